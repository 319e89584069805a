import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { changedWeights, overlaidWeights } from '../../../services/router/domain/changed-weights.ts';
import { parametersOf, patchedCopy, patchParameters } from '../../../services/router/domain/parameters.ts';
import type { CompleteSnapshot } from '../../../services/router/domain/complete-snapshot.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { inPieces } from './pieces.ts';
import { chunksOf, deltaOf, fullOf, stepOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';

/** Memory that is full of something else as soon as it is given back. */
class PoisonedMemory extends SpareMemory {
  override giveBack(buffer: ArrayBufferLike): void {
    new Uint8Array(buffer).fill(0xee);
    super.giveBack(buffer);
  }
}

const listedArbitrary = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 })
  .map((indices) => Uint32Array.from(indices.sort((a, b) => a - b)));

const NONE = new Uint32Array(0);

function listed(indices: Uint32Array<ArrayBuffer>, of: (index: number) => number) {
  return { indices, weights: Float32Array.from(indices, of) };
}

test('what changed between lists, put over what those before gave, gives what the last gives', () => {
  fc.assert(
    fc.property(
      fc.array(listedArbitrary, { minLength: 3, maxLength: 3 }),
      fc.array(fc.constantFrom(0, -0, 1, NaN), { minLength: 41, maxLength: 41 }),
      fc.constantFrom(0, 1, 2),
      ([first = NONE, second = NONE, more = NONE], values, known) => {
        const under = listed(first, () => 0);
        const over = listed(second, () => 1);
        const before = [under, over].slice(0, known);
        const touched = [...before.flatMap(({ indices }) => [...indices]), ...more];
        const all = Uint32Array.from(new Set(touched.sort((a, b) => a - b)));
        const now = listed(all, (index) => values[index] ?? 0);
        const table = new Float32Array(41).fill(7);
        const whole = table.slice();
        for (const { indices, weights } of before)
          indices.forEach((index, i) => (table[index] = weights[i] ?? 0));
        now.indices.forEach((index, i) => (whole[index] = now.weights[i] ?? 0));
        const changed = changedWeights(now, ...before);
        assert.ok(changed.indices.every((index) => !Object.is(table[index], whole[index])));
        changed.indices.forEach((index, i) => (table[index] = changed.weights[i] ?? 0));
        assert.deepEqual(table, whole);
      },
    ),
  );
});

test('of a list that repeats, only what is new or other is handed on', () => {
  const before = listed(Uint32Array.of(1, 5, 9), () => 1);
  const now = listed(Uint32Array.of(1, 3, 5, 9), (index) => (index === 9 ? 2 : 1));
  assert.deepEqual([...changedWeights(now, before).indices], [3, 9]);
  assert.deepEqual([...changedWeights(now).indices], [1, 3, 5, 9]);
});

test('two lists, one over the other, are what both give one after the other, whatever was in the memory', () => {
  const spares = new PoisonedMemory();
  fc.assert(
    fc.property(listedArbitrary, listedArbitrary, (first, second) => {
      const lists = [listed(first, () => -0), listed(second, (index) => index)] as const;
      const table = new Map<number, number>();
      for (const { indices, weights } of lists)
        indices.forEach((index, i) => table.set(index, weights[i] ?? NaN));
      const both = overlaidWeights(...lists, spares);
      const inOrder = [...table].sort(([a], [b]) => a - b);
      assert.deepEqual(
        [...both.indices].map((index, i) => [index, both.weights[i]]),
        inOrder,
      );
      spares.giveBack(both.indices.buffer);
      spares.giveBack(both.weights.buffer);
    }),
  );
});

test('weights that are patched in a copy, piece by piece, are those patched in place; the original stays', () => {
  const size = 2 ** 18 + 1;
  const weights = Float32Array.from({ length: size }, (_, i) => i % 100);
  const indices = Uint32Array.from({ length: 30_000 }, (_, i) => (i * 7) % size);
  const patch = { indices, weights: Float32Array.from(indices, (i) => -i) } as unknown as CompleteSnapshot;
  const original = weights.slice();
  const { result, pieces } = inPieces(patchedCopy(weights, patch));
  assert.deepEqual(weights, original);
  assert.ok(pieces > 5);
  const inPlace = patchParameters(parametersOf({ ...patch, weights: original }), patch).weights;
  assert.deepEqual(result, inPlace);
});

test('a full snapshot and the deltas on it that came meanwhile are one update; the next says what changed since', () => {
  const intake = createSnapshotIntake(sha256Hex, new SpareMemory());
  const delta = (position: number, touched: readonly number[], bias: number) =>
    deltaOf(weightsOf(bias), touched, { position, basePosition: 100 });
  assert.deepEqual(intake.take(fullOf(weightsOf(0.1)), undefined), []);
  assert.deepEqual(intake.take(delta(110, [TABLE_SIZE - 1], 0.2), 'trace'), []);
  const first = intake.next();
  assert.equal(first?.indices, null);
  assert.deepEqual([first.kind, first.position, first.traceparent], ['delta', 110, 'trace']);
  assert.deepEqual(first.weights, weightsOf(0.2));
  assert.equal(intake.next(), undefined);

  intake.take(delta(120, [3, TABLE_SIZE - 1], 0.2), undefined);
  assert.equal(intake.next(), undefined); // the first is not settled
  intake.settled(first.id, true);
  const second = intake.next();
  assert.deepEqual([...(second?.indices ?? [])], [3]); // the bias is as it was
  assert.deepEqual([second?.kind, second?.position, second?.traceparent], ['delta', 120, undefined]);
});

test('a delta and the step on it that came meanwhile are one update, of what both change', () => {
  const intake = createSnapshotIntake(sha256Hex, new PoisonedMemory());
  const weights = new Float32Array(TABLE_SIZE);
  const applied = new Float32Array(TABLE_SIZE);
  const touch = (...touched: number[]): number[] => {
    for (const index of touched) weights[index] = (weights[index] ?? 0) + index + 1;
    return touched;
  };
  const apply = (): readonly number[] | undefined => {
    const update = intake.next();
    assert.ok(update);
    if (update.indices === null) applied.set(update.weights);
    update.indices?.forEach((index, i) => (applied[index] = update.weights[i] ?? NaN));
    intake.settled(update.id, true);
    assert.deepEqual(applied, weights);
    return update.indices === null ? undefined : [...update.indices];
  };
  intake.take(fullOf(weights, { position: 100 }), undefined);
  intake.take(deltaOf(weights, touch(1, 5), { position: 110, basePosition: 100 }), undefined);
  intake.take(stepOf(weights, touch(5, 7), { position: 120, basePosition: 110 }), undefined);
  assert.equal(apply(), undefined); // everything
  touch(9);
  intake.take(stepOf(weights, [5, 7, 9], { position: 130, basePosition: 110 }), undefined);
  assert.deepEqual(apply(), [9]);
  touch(7);
  intake.take(deltaOf(weights, [1, 5, 7, 9], { position: 140, basePosition: 100 }), undefined);
  const passed = intake.take(deltaOf(weights, [1, 5, 7, 9], { position: 141, basePosition: 100 }), undefined);
  assert.deepEqual(passed, [{ record: 'delta', result: 'superseded', position: 140 }]);
  intake.take(stepOf(weights, touch(3), { position: 150, basePosition: 141 }), undefined);
  assert.deepEqual(apply(), [3, 7]);
  intake.take(deltaOf(weights, [1, 3, 5, 7, 9], { position: 160, basePosition: 100 }), undefined);
  assert.deepEqual(apply(), []); // the step had it all
});

test('after a bad update deltas on its full snapshot are refused, and a full one that waits is not given up', () => {
  const intake = createSnapshotIntake(sha256Hex, new SpareMemory());
  const delta = (position: number, basePosition: number) =>
    deltaOf(weightsOf(0.2), [1], { position, basePosition });
  intake.take(fullOf(weightsOf(0.1)), undefined);
  const bad = intake.next();
  assert.ok(bad);
  intake.take(delta(110, 100), undefined);
  intake.settled(bad.id, false);
  assert.equal(intake.next(), undefined);
  assert.deepEqual(intake.take(delta(120, 100), undefined), [
    { record: 'delta', result: 'no-base', position: 120 },
  ]);

  intake.take(fullOf(weightsOf(0.3), { position: 130 }), undefined);
  intake.settled(bad.id, false); // found to be bad once more, after a newer full one came
  assert.equal(intake.next()?.position, 130);
  intake.settled(bad.id, false);
  assert.deepEqual(intake.take(delta(140, 130), undefined), []);
});

type Step =
  | { readonly kind: 'full' | 'chunks'; readonly bias: number }
  | { readonly kind: 'delta' | 'step'; readonly touched: readonly number[]; readonly bias: number }
  | { readonly kind: 'next' }
  | { readonly kind: 'settled'; readonly isGood: boolean };

const bias = fc.float({ noNaN: true });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('full' as const, 'chunks' as const), bias }),
  fc.record({
    kind: fc.constantFrom('delta' as const, 'step' as const),
    touched: fc
      .uniqueArray(fc.nat(TABLE_SIZE - 1), { maxLength: 20 })
      .map((all) => all.sort((a, b) => a - b)),
    bias,
  }),
  fc.record({ kind: fc.constant('next' as const) }),
  fc.record({ kind: fc.constant('settled' as const), isGood: fc.boolean() }),
);

/** Returns what came of it all; of the records' bytes nothing is left once each was taken, when they are used again. */
function outcomeOf(steps: readonly Step[], memory: SpareMemory, areUsedAgain: boolean): unknown[] {
  const intake = createSnapshotIntake(sha256Hex, memory);
  const outcome: unknown[] = [];
  let [id, base, delta, position] = [0, 0, 0, 0];
  const take = (record: Snapshot): void => {
    const bytes = [record.indices, record.weights, record.means, record.invStds, record.graph];
    const [indices, weights, means, invStds, graph] = bytes.map((one) => one && Uint8Array.from(one));
    outcome.push(intake.take({ ...record, indices, weights, means, invStds, graph } as Snapshot, undefined));
    if (areUsedAgain) for (const one of [indices, weights, means, invStds, graph]) one?.fill(0xee);
  };
  for (const step of steps) {
    position += 1;
    if (step.kind === 'next') {
      const update = intake.next();
      id = update?.id ?? id;
      outcome.push(update);
    } else if (step.kind === 'settled') intake.settled(id, step.isGood);
    else if (step.kind === 'delta') {
      delta = position;
      take(deltaOf(weightsOf(step.bias), step.touched, { position, basePosition: base }));
    } else if (step.kind === 'step')
      take(stepOf(weightsOf(step.bias), step.touched, { position, basePosition: delta }));
    else {
      base = position;
      const full = fullOf(weightsOf(step.bias), { position });
      for (const record of step.kind === 'chunks' ? chunksOf(full, 3) : [full]) take(record);
    }
  }
  return outcome;
}

test("what is handed on is its taker's: bytes of records and memory of deltas that are used again change nothing", () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 40 }), (steps) => {
      const updates = outcomeOf(steps, new PoisonedMemory(), true);
      assert.deepEqual(updates, outcomeOf(steps, new SpareMemory(), false));
    }),
    { numRuns: 300 },
  );
});
