import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { changedWeights } from '../../../services/router/domain/changed-weights.ts';
import { parametersOf, patchedCopy, patchParameters } from '../../../services/router/domain/parameters.ts';
import type { CompleteSnapshot } from '../../../services/router/domain/complete-snapshot.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { chunksOf, deltaOf, fullOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';

const listedArbitrary = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 })
  .map((indices) => Uint32Array.from(indices.sort((a, b) => a - b)));

function listed(indices: Uint32Array<ArrayBuffer>, of: (index: number) => number) {
  return { indices, weights: Float32Array.from(indices, of) };
}

test('what changed between two lists, put over what the first gave, gives what the second gives', () => {
  fc.assert(
    fc.property(
      listedArbitrary,
      listedArbitrary,
      fc.array(fc.constantFrom(0, -0, 1, NaN), { minLength: 41, maxLength: 41 }),
      (first, more, values) => {
        const all = Uint32Array.from(new Set([...first, ...more].sort((a, b) => a - b)));
        const before = listed(first, () => 0);
        const now = listed(all, (index) => values[index] ?? 0);
        const table = new Float32Array(41).fill(7);
        const whole = table.slice();
        before.indices.forEach((index, i) => (table[index] = before.weights[i] ?? 0));
        now.indices.forEach((index, i) => (whole[index] = now.weights[i] ?? 0));
        const changed = changedWeights(before, now);
        changed.indices.forEach((index, i) => (table[index] = changed.weights[i] ?? 0));
        assert.deepEqual(table, whole);
      },
    ),
  );
});

test('of a list that repeats, only what is new or other is handed on; of one out of order, everything', () => {
  const before = listed(Uint32Array.of(1, 5, 9), () => 1);
  const now = listed(Uint32Array.of(1, 3, 5, 9), (index) => (index === 9 ? 2 : 1));
  assert.deepEqual([...changedWeights(before, now).indices], [3, 9]);
  assert.deepEqual([...changedWeights(undefined, now).indices], [1, 3, 5, 9]);
  const disordered = listed(Uint32Array.of(5, 1), () => 1);
  assert.deepEqual([...changedWeights(before, disordered).indices], [5, 1]);
});

test('weights that are patched in a copy, piece by piece, are those patched in place; the original stays', () => {
  const size = 2 ** 18 + 1;
  const weights = Float32Array.from({ length: size }, (_, i) => i % 100);
  const indices = Uint32Array.from({ length: 30_000 }, (_, i) => (i * 7) % size);
  const patch = { indices, weights: Float32Array.from(indices, (i) => -i) } as unknown as CompleteSnapshot;
  const original = weights.slice();
  const copying = patchedCopy(weights, patch);
  let pieces = 0;
  let step = copying.next();
  for (; step.done !== true; step = copying.next()) pieces += 1;
  assert.deepEqual(weights, original);
  assert.ok(pieces > 5);
  const inPlace = patchParameters(parametersOf({ ...patch, weights: original }), patch).weights;
  assert.deepEqual(step.value, inPlace);
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

/** Memory that is full of something else as soon as it is given back. */
class PoisonedMemory extends SpareMemory {
  override giveBack(buffer: ArrayBufferLike): void {
    new Uint8Array(buffer).fill(0xee);
    super.giveBack(buffer);
  }
}

type Step =
  | { readonly kind: 'full' | 'chunks'; readonly bias: number }
  | { readonly kind: 'delta'; readonly touched: readonly number[]; readonly bias: number }
  | { readonly kind: 'next' }
  | { readonly kind: 'settled'; readonly isGood: boolean };

const bias = fc.float({ noNaN: true });
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('full' as const, 'chunks' as const), bias }),
  fc.record({
    kind: fc.constant('delta' as const),
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
  let [id, base, position] = [0, 0, 0];
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
    else if (step.kind === 'delta')
      take(deltaOf(weightsOf(step.bias), step.touched, { position, basePosition: base }));
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
