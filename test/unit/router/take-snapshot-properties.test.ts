import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { comparePlaces } from '../../../services/router/domain/complete-snapshot.ts';
import { parametersOf, patchParameters } from '../../../services/router/domain/parameters.ts';
import { EMPTY_LEDGER, takeSnapshot } from '../../../services/router/domain/take-snapshot.ts';
import type { SnapshotVerdict } from '../../../services/router/domain/take-snapshot.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { deltaOf, fullOf, stepOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';

const BIAS = [TABLE_SIZE - 1];

function complete(verdict: SnapshotVerdict) {
  assert.ok(verdict.kind === 'complete');
  return verdict.snapshot;
}

const anyRecord = fc
  .record({
    kind: fc.constantFrom('full', 'delta', 'step'),
    incarnation: fc.integer({ min: 1, max: 3 }),
    position: fc.nat(12),
    base: fc.nat(12),
  })
  .map(({ kind, incarnation, position, base }) => {
    const weights = weightsOf(position);
    if (kind === 'full') return fullOf(weights, { position, incarnation });
    const make = kind === 'delta' ? deltaOf : stepOf;
    return make(weights, BIAS, { position, basePosition: base, incarnation });
  });

test('whatever comes in whatever order, what counts rises, a delta is on the last full that counted and a step on the last that did', () => {
  fc.assert(
    fc.property(fc.array(anyRecord, { maxLength: 40 }), (records) => {
      let ledger = EMPTY_LEDGER;
      let lastFull: Snapshot | undefined;
      let before: Snapshot | undefined;
      for (const record of records) {
        const taken = takeSnapshot(ledger, record, sha256Hex);
        ledger = taken.ledger;
        const { verdict } = taken;
        const base = record.kind === 'step' ? before : lastFull;
        const isOnBase =
          base !== undefined &&
          record.incarnation === base.incarnation &&
          record.basePosition === base.position;
        if (verdict.kind === 'refused' && verdict.reason === 'known') {
          const isSameFull = lastFull !== undefined && comparePlaces(record, lastFull) === 0;
          assert.ok(record.kind === 'full' ? isSameFull : record.kind === 'delta' && isOnBase);
          assert.equal(before && comparePlaces(record, before), 0);
        }
        if (verdict.kind !== 'complete') continue;
        if (before !== undefined) {
          const order = comparePlaces(record, before);
          assert.ok(order > 0 || (order === 0 && record.kind === 'full' && before.kind !== 'full'));
        }
        if (record.kind === 'full') lastFull = record;
        else assert.ok(isOnBase);
        before = record;
      }
    }),
    { numRuns: 1000 },
  );
});

test('a newer delta over an older one gives what the newer one alone gives', () => {
  const changes = fc.array(
    fc.tuple(fc.nat(TABLE_SIZE - 1), fc.float({ noNaN: true, noDefaultInfinity: true })),
    { maxLength: 30 },
  );
  fc.assert(
    fc.property(changes, changes, (first, second) => {
      const weights = weightsOf(1);
      const full = (): ReturnType<typeof takeSnapshot> =>
        takeSnapshot(EMPTY_LEDGER, fullOf(weightsOf(1), { position: 100 }), sha256Hex);
      const deltas: Snapshot[] = [];
      const touched = new Set<number>();
      for (const [step, changed] of [first, second].entries()) {
        for (const [index, value] of changed) {
          weights[index] = value;
          touched.add(index);
        }
        deltas.push(
          deltaOf(
            weights,
            [...touched].sort((a, b) => a - b),
            { position: 110 + step, basePosition: 100 },
          ),
        );
      }
      const patched = (records: readonly Snapshot[]): Float32Array => {
        const { ledger, verdict } = full();
        let parameters = parametersOf(complete(verdict));
        for (const record of records) {
          const taken = takeSnapshot(ledger, record, sha256Hex);
          parameters = patchParameters(parameters, complete(taken.verdict));
        }
        return parameters.weights;
      };
      assert.deepEqual(patched(deltas), weights);
      assert.deepEqual(patched(deltas.slice(1)), weights);
    }),
  );
});
