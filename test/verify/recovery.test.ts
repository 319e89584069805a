import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './recovery/proof.ts';

test('a learner that is killed again and again ends in the state of one that nobody disturbed', async () => {
  const said: string[] = [];
  const { faults, json } = await program.run({ kills: 8, events: 8000, seed: 11 }, (line) => said.push(line));
  assert.deepEqual(faults, [], said.join('\n'));
  assert.equal((json as { identical: boolean }).identical, true);
});
