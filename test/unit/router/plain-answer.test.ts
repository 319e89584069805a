import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plainAnswer } from '../../../services/router/http/plain-answer.ts';

const FIRST = {
  model: 'clicks',
  predictionId: '0~a',
  version: 1,
  score: 0.25,
  arm: 'stable',
  snapshotPosition: 7,
  learnedToMs: 1000,
  stalenessMs: 3,
  planVersion: 2,
} as const;

test('an answer says what is in it, whichever of its fields is another one than in the answer before', () => {
  const others = [
    { model: 'fraud' },
    { predictionId: '0~b' },
    { version: 2 },
    { score: 0.1 },
    { arm: 'candidate' },
    { snapshotPosition: 8 },
    { learnedToMs: null },
    { learnedToMs: 1001 },
    { stalenessMs: 4 },
    { planVersion: 3 },
  ] as const;
  for (const other of others)
    for (const answer of [FIRST, { ...FIRST, ...other }, FIRST]) {
      const { body, bytes } = plainAnswer({ kind: 'answered', answer });
      assert.deepEqual(JSON.parse(body), answer);
      assert.equal(bytes, Buffer.byteLength(body));
    }
});
