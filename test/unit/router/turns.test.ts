import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createTurns } from '../../../services/router/turns.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('work begins in the order in which it came, and never more than is allowed is in hand', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 60 }), async (weights) => {
      const turns = createTurns({ weightMax: 8, waitMaxMs: 500, monotonicMs: () => 0 });
      const begun: number[] = [];
      let inHand = 0;
      const work = async (weight: number, at: number): Promise<void> => {
        assert.notEqual(await turns.enter(weight), false);
        begun.push(at);
        inHand += weight;
        assert.ok(inHand <= Math.max(8, weight), `${String(inHand)} in hand`);
        await turn();
        inHand -= weight;
        turns.leave(weight);
      };
      await Promise.all(weights.map(work));
      assert.deepEqual(
        begun,
        weights.map((_, at) => at),
      );
    }),
    { numRuns: 30 },
  );
});

test('work that finds room begins at once', () => {
  const turns = createTurns({ weightMax: 8, waitMaxMs: 500, monotonicMs: () => 0 });
  assert.equal(turns.enter(5), undefined);
  assert.equal(turns.enter(3), undefined);
  assert.ok(turns.enter(1) instanceof Promise);
});

test('the longest wait counts who has begun and who still waits, and begins anew when it was told', () => {
  let nowMs = 0;
  const turns = createTurns({ weightMax: 1, waitMaxMs: 500, monotonicMs: () => nowMs });
  void turns.enter(1);
  void turns.enter(1);
  void turns.enter(1);
  nowMs = 40;
  turns.leave(1);
  nowMs = 100;
  assert.equal(turns.takeLongestWaitMs(), 100, 'the third still waits');
  turns.leave(1);
  turns.leave(1);
  assert.equal(turns.takeLongestWaitMs(), 100, 'the third began after 100 ms');
  assert.equal(turns.takeLongestWaitMs(), 0);
});

test('whose turn comes too late is sent away, but for the last 64', async () => {
  let nowMs = 0;
  const turns = createTurns({ weightMax: 1, waitMaxMs: 500, monotonicMs: () => nowMs });
  assert.equal(turns.enter(1), undefined);
  const ended: boolean[] = [];
  const waiting = Array.from({ length: 70 }, async () => {
    const mayBegin = (await turns.enter(1)) ?? true;
    ended.push(mayBegin);
    if (mayBegin) turns.leave(1);
  });
  nowMs = 501;
  turns.leave(1);
  await Promise.all(waiting);
  assert.deepEqual([ended.filter((one) => !one).length, ended.filter((one) => one).length], [6, 64]);
});
