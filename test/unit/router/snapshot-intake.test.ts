import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { overlaidWeights } from '../../../services/router/domain/overlaid-weights.ts';
import { parametersOf, patchedCopy, patchParameters } from '../../../services/router/domain/parameters.ts';
import type { CompleteSnapshot } from '../../../services/router/domain/complete-snapshot.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { inPieces } from './pieces.ts';
import { chunksOf, deltaOf, fullOf, stepOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';

const listedArbitrary = fc
  .uniqueArray(fc.integer({ min: 0, max: 40 }), { maxLength: 20 })
  .map((indices) => Uint32Array.from(indices.sort((a, b) => a - b)));

function listed(indices: Uint32Array<ArrayBuffer>, of: (index: number) => number) {
  return { indices, weights: Float32Array.from(indices, of) };
}

test('two lists, one over the other, are what both give one after the other', () => {
  fc.assert(
    fc.property(listedArbitrary, listedArbitrary, (first, second) => {
      const lists = [listed(first, () => -0), listed(second, (index) => index)] as const;
      const table = new Map<number, number>();
      for (const { indices, weights } of lists)
        indices.forEach((index, i) => table.set(index, weights[i] ?? NaN));
      const both = overlaidWeights(...lists);
      const inOrder = [...table].sort(([a], [b]) => a - b);
      assert.deepEqual(
        [...both.indices].map((index, i) => [index, both.weights[i]]),
        inOrder,
      );
      assert.equal(both.indices.buffer.byteLength, 4 * inOrder.length); // moved from thread to thread
      assert.equal(both.weights.buffer.byteLength, 4 * inOrder.length);
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

test('a full snapshot and the deltas on it that came meanwhile are one update; later ones are as they came', () => {
  const intake = createSnapshotIntake(sha256Hex);
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
  assert.deepEqual([...(second?.indices ?? [])], [3, TABLE_SIZE - 1]);
  assert.deepEqual([second?.kind, second?.position, second?.traceparent], ['delta', 120, undefined]);
});

test('steps that came meanwhile are one update, with a delta before them, too; a delta that says the same is passed over', () => {
  const intake = createSnapshotIntake(sha256Hex);
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
  const step = (touched: number[], basePosition: number) =>
    intake.take(stepOf(weights, touched, { position: basePosition + 10, basePosition }), undefined);
  const delta = (touched: number[], position: number) =>
    intake.take(deltaOf(weights, touched, { position, basePosition: 100 }), undefined);
  intake.take(fullOf(weights, { position: 100 }), undefined);
  delta(touch(1, 5), 110);
  step(touch(5, 7), 110);
  assert.equal(apply(), undefined); // everything
  step(touch(9), 120);
  assert.deepEqual(apply(), [9]);
  step(touch(7), 130);
  assert.deepEqual(step(touch(3, 7), 140), [{ record: 'step', result: 'superseded', position: 140 }]);
  assert.deepEqual(delta([1, 3, 5, 7, 9], 150), [{ record: 'delta', result: 'known', position: 150 }]);
  step(touch(1), 150);
  assert.deepEqual(apply(), [1, 3, 7]);
  touch(2); // whose step is not there
  delta([1, 2, 3, 5, 7, 9], 170);
  step(touch(8), 170);
  assert.deepEqual(apply(), [1, 2, 3, 5, 7, 8, 9]);
});

test('a full snapshot that says what steps have said is passed over, and what follows is on it', () => {
  const intake = createSnapshotIntake(sha256Hex);
  const at = (position: number, publishedAtMs: number) => ({ position, publishedAtMs });
  const known = (record: 'full' | 'delta', position: number) => ({ record, result: 'known', position });
  const step = (basePosition: number) =>
    intake.take(stepOf(weightsOf(0.1), [1], { position: basePosition + 10, basePosition }), undefined);
  const settleAll = (): void => {
    for (let update = intake.next(); update !== undefined; update = intake.next())
      intake.settled(update.id, true);
  };
  intake.take(fullOf(weightsOf(0.1), at(100, 0)), undefined);
  settleAll();
  step(100);
  settleAll();
  const whole = chunksOf(fullOf(weightsOf(0.1), at(110, 59_999)), 3);
  assert.deepEqual(
    whole.flatMap((chunk) => intake.take(chunk, undefined)),
    whole.map(() => known('full', 110)),
  );
  assert.equal(intake.next(), undefined);
  assert.deepEqual(
    intake.take(deltaOf(weightsOf(0.1), [1], { position: 110, basePosition: 110 }), undefined),
    [known('delta', 110)],
  );
  intake.take(deltaOf(weightsOf(0.1), [1], { position: 120, basePosition: 110 }), undefined);
  assert.equal(intake.next()?.kind, 'delta');
});

for (const { name, isWaiting, isUnderWay, ms } of [
  { name: 'a step waits', isWaiting: true, isUnderWay: false, ms: 0 },
  { name: 'the last update may turn out to be bad', isWaiting: false, isUnderWay: true, ms: 0 },
  { name: 'the last full one is a minute old', isWaiting: false, isUnderWay: false, ms: 60_000 },
  { name: 'a clock went back by a minute', isWaiting: false, isUnderWay: false, ms: -60_000 },
]) {
  test(`a full snapshot is read although steps have said what it says: ${name}`, () => {
    const intake = createSnapshotIntake(sha256Hex);
    intake.take(fullOf(weightsOf(0.1), { position: 100, publishedAtMs: 0 }), undefined);
    intake.settled(intake.next()?.id ?? 0, true);
    intake.take(stepOf(weightsOf(0.1), [1], { position: 110, basePosition: 100 }), undefined);
    const update = isWaiting ? undefined : intake.next();
    if (update !== undefined && !isUnderWay) intake.settled(update.id, true);
    const chunks = chunksOf(fullOf(weightsOf(0.1), { position: 110, publishedAtMs: ms }), 2);
    const passed = chunks.flatMap((chunk) => intake.take(chunk, undefined));
    assert.deepEqual(
      passed.map(({ result }) => result),
      isWaiting ? ['superseded'] : [],
    );
    if (update !== undefined && isUnderWay) intake.settled(update.id, false);
    assert.equal(intake.next()?.kind, 'full');
  });
}

test('of full snapshots that say what steps have said one a minute is read, however often they come', () => {
  const intake = createSnapshotIntake(sha256Hex);
  intake.take(fullOf(weightsOf(0.1), { position: 0, publishedAtMs: 0 }), undefined);
  intake.settled(intake.next()?.id ?? 0, true);
  const readAt = [20, 40, 60, 80, 100, 120].filter((seconds) => {
    intake.take(stepOf(weightsOf(0.1), [1], { position: seconds, basePosition: seconds - 20 }), undefined);
    intake.settled(intake.next()?.id ?? 0, true);
    intake.take(fullOf(weightsOf(0.1), { position: seconds, publishedAtMs: 1000 * seconds }), undefined);
    const update = intake.next();
    if (update !== undefined) intake.settled(update.id, true);
    return update !== undefined;
  });
  assert.deepEqual(readAt, [60, 120]);
});

test('a full snapshot of which a chunk was read is read to its end', () => {
  const intake = createSnapshotIntake(sha256Hex);
  const settleNext = (): void => {
    intake.settled(intake.next()?.id ?? 0, true);
  };
  intake.take(fullOf(weightsOf(0.1), { position: 100 }), undefined);
  settleNext();
  intake.take(stepOf(weightsOf(0.1), [1], { position: 110, basePosition: 100 }), undefined);
  const [first, second] = chunksOf(fullOf(weightsOf(0.1), { position: 110 }), 2);
  assert.ok(first && second);
  assert.deepEqual(intake.take(first, undefined), []);
  settleNext(); // the step: nothing waits any more
  assert.deepEqual(intake.take(second, undefined), []);
  assert.equal(intake.next()?.kind, 'full');
});

test('after a bad update deltas on its full snapshot are refused, and a full one that waits is not given up', () => {
  const intake = createSnapshotIntake(sha256Hex);
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
function outcomeOf(steps: readonly Step[], areUsedAgain: boolean): unknown[] {
  const intake = createSnapshotIntake(sha256Hex);
  const outcome: unknown[] = [];
  let [id, base, before, position] = [0, 0, 0, 0];
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
    else if (step.kind === 'delta' || step.kind === 'step') {
      const make = step.kind === 'delta' ? deltaOf : stepOf;
      const basePosition = step.kind === 'delta' ? base : before;
      take(make(weightsOf(step.bias), step.touched, { position, basePosition }));
      before = position;
    } else {
      base = position;
      before = position;
      const full = fullOf(weightsOf(step.bias), { position });
      for (const record of step.kind === 'chunks' ? chunksOf(full, 3) : [full]) take(record);
    }
  }
  return outcome;
}

test("what is handed on is its taker's: bytes of records that are used again change nothing", () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 40 }), (steps) => {
      assert.deepEqual(outcomeOf(steps, true), outcomeOf(steps, false));
    }),
    { numRuns: 300 },
  );
});
