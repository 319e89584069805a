import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countMemory } from '../../../services/router/adapters/memory-count.ts';
import { bytesTaken } from '../../../services/router/domain/run-memory.ts';
import { createMemoryGuard } from '../../../services/router/memory-guard.ts';
import type { MemoryGuard } from '../../../services/router/memory-guard.ts';
import { answerOf, BODY, createWorld, serve } from './router-world.ts';

interface Guarded {
  readonly guard: MemoryGuard;
  readonly memory: { heapBytes: number; externalBytes: number };
  readonly clock: { nowMs: number };
}

function guarded(): Guarded {
  const memory = { heapBytes: 5000, externalBytes: 100 };
  const clock = { nowMs: 0 };
  const guard = createMemoryGuard({
    limitBytes: 1000,
    count: () => ({ ...memory }),
    monotonicMs: () => clock.nowMs,
  });
  return { guard, memory, clock };
}

test('a run that takes more than the limit is told with both numbers, objects and buffers together', () => {
  const { guard, memory } = guarded();
  const { result, fault } = guard.watch(() => {
    memory.heapBytes += 600;
    memory.externalBytes += 401;
    return 'scores';
  });
  assert.equal(result, 'scores');
  assert.equal(fault, 'it took 1001 bytes of memory in one run, allowed 1000');
});

test('a run that a collection came between is taken for what the one measured before was', () => {
  const { guard, memory, clock } = guarded();
  const collect = (): void => {
    memory.heapBytes -= 3000;
  };
  assert.equal(guard.watch(collect).fault, undefined);
  clock.nowMs += 10;
  guard.watch(() => (memory.heapBytes += 2000));
  assert.match(guard.watch(collect).fault ?? '', /it took 2000 bytes/);
  assert.equal(guard.watch(() => undefined).fault, undefined, 'measured, and small');
});

test('a busy version that takes little is measured now and then, one that took too much in every run', () => {
  const { guard, memory, clock } = guarded();
  const eat = (): void => {
    memory.heapBytes += 2000;
  };
  guard.watch(() => undefined);
  clock.nowMs += 9;
  assert.equal(guard.watch(eat).fault, undefined, 'not measured');
  clock.nowMs += 1;
  assert.notEqual(guard.watch(eat).fault, undefined);
  assert.notEqual(guard.watch(eat).fault, undefined);
});

test('what this process takes is counted: objects and bytes', () => {
  const before = countMemory();
  const kept = [Array.from({ length: 50_000 }, (_, at) => ({ at })), new Uint8Array(2_000_000)];
  const taken = bytesTaken(before, countMemory());
  assert.equal(kept.length, 2);
  assert.ok(taken === undefined || taken > 2_500_000, String(taken));
});

test('a candidate that eats memory is left alone with the reason in the status, and stable answers', async () => {
  let heapBytes = 0;
  const world = createWorld({ countMemory: () => ({ heapBytes: (heapBytes += 4000), externalBytes: 0 }) });
  for (const version of [1, 2]) await serve(world, version, version / 10);
  world.setPlan({ candidate: 2, candidateWeightBp: 10_000 });
  for (let asked = 0; asked < 7; asked += 1) {
    assert.equal(answerOf(await world.predict(BODY)).version, 1);
    await world.settle();
  }
  const status = world.versions.status()[0]?.versions.find(({ version }) => version === 2);
  assert.equal(
    status?.reason,
    'breaker: 5 runs failed in a row: it took 4000 bytes of memory in one run, allowed 1000',
  );
  world.setPlan({ stable: 2, candidate: null, candidateWeightBp: 0 });
  assert.equal(answerOf(await world.predict(BODY)).version, 2, 'nobody leaves stable alone');
});
