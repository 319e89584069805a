import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MaturityQueue, WAITING_PAIRS_MAX } from '../../../services/monitor/domain/maturity-queue.ts';
import { runKey } from '../../../services/monitor/domain/pair.ts';
import type { WaitingPair } from '../../../services/monitor/domain/maturity-queue.ts';

function waiting(atMs: number, idHash: number): WaitingPair {
  return {
    pair: { candidate: 0.25, baseline: 0.5, label: 1, atMs, stageKey: idHash },
    assigned: { arm: 'candidate', candidateProbability: 0.1, subjectHash: 5 },
    idHash,
  };
}

function released(queue: MaturityQueue, untilMs: number): [number, number][] {
  const out: [number, number][] = [];
  queue.release(untilMs, ({ atMs, stageKey }) => out.push([atMs, stageKey]));
  return out;
}

function restored(queue: MaturityQueue): MaturityQueue {
  const bytes = new Map(queue.sections('q').map((one) => [one.name, Uint8Array.from(one.bytes())]));
  const copy = new MaturityQueue();
  copy.restore('q', (name) => bytes.get(name) ?? new Uint8Array());
  return copy;
}

test('pairs come out in the order of their predictions, whatever order they came in and wherever they were stored', () => {
  const pairs = fc.uniqueArray(fc.tuple(fc.nat(50), fc.nat(1000)), { maxLength: 200, selector: String });
  fc.assert(
    fc.property(pairs, fc.nat(50), (all, untilMs) => {
      let queue = new MaturityQueue();
      all.forEach(([atMs, id], index) => {
        queue.add(waiting(atMs, id));
        if (index % 50 === 20) queue = restored(queue);
      });
      const sorted = all.toSorted(([a, x], [b, y]) => a - b || x - y);
      assert.deepEqual(
        released(queue, untilMs),
        sorted.filter(([atMs]) => atMs <= untilMs),
      );
      assert.deepEqual(
        released(restored(queue), Infinity),
        sorted.filter(([atMs]) => atMs > untilMs),
      );
    }),
  );
});

test('what goes in comes out', () => {
  const queue = new MaturityQueue();
  const one = waiting(7, 3);
  queue.add({ ...one, pair: { ...one.pair, candidate: 'failed', baseline: 'absent' } });
  queue.release(7, (pair, assigned) => {
    assert.deepEqual(pair, { ...one.pair, candidate: 'failed', baseline: 'absent' });
    assert.deepEqual(assigned, one.assigned);
  });
  assert.equal(queue.size, 0);
});

test('of a failed candidate the run comes out that went in', () => {
  for (const [candidateMicros, baselineMicros] of [
    [-1, -1],
    [-1, 12],
    [1e9, 1e9],
  ] as const) {
    const queue = new MaturityQueue();
    const one = waiting(7, 3);
    const pair = {
      ...one.pair,
      candidate: 'failed',
      failedRun: runKey(candidateMicros, baselineMicros),
    } as const;
    queue.add({ ...one, pair });
    queue.release(7, (found) => {
      assert.deepEqual(found, pair);
    });
    assert.equal(queue.size, 0);
  }
});

test('above the bound pairs are sampled by their id alone, those that wait and those that come', () => {
  const queue = new MaturityQueue();
  for (let id = 0; id <= WAITING_PAIRS_MAX; id += 1) queue.add(waiting(id, id));
  assert.equal(queue.samplingProbability, 0.5);
  queue.add(waiting(1e6, 1e6 + 1));
  queue.add(waiting(1e6, 1e6 + 2));
  const ids = released(restored(queue), Infinity).map(([, id]) => id);
  assert.equal(ids.length, WAITING_PAIRS_MAX / 2 + 2);
  assert.ok(ids.every((id) => id % 2 === 0));
});
