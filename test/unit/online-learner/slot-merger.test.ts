import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SlotMerger } from '../../../services/online-learner/domain/slot-merger.ts';

test('pairs merge into distinct coordinates in order of first occurrence, with summed values', () => {
  const pair = fc.tuple(fc.oneof(fc.nat(3), fc.nat(2 ** 24)), fc.integer({ min: -2, max: 2 }));
  const rows = fc.array(fc.array(pair, { minLength: 9, maxLength: 9 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(rows, (manyRows) => {
      const merger = new SlotMerger(9);
      for (const row of manyRows) {
        const expected = new Map<number, { slot: number; sum: number }>();
        row.forEach(([index, value], slot) => {
          if (value === 0) return;
          const known = expected.get(index);
          expected.set(index, { slot: known?.slot ?? slot, sum: (known?.sum ?? 0) + value });
        });
        const indices = Int32Array.from(row, ([index]) => index);
        const count = merger.merge(
          indices,
          Float32Array.from(row, ([, value]) => value),
          0,
        );
        const found = Array.from({ length: count }, (_, c) => [
          merger.coordinates[c],
          { slot: merger.slots[c], sum: merger.sums[c] },
        ]);
        assert.deepEqual(found, [...expected]);
      }
    }),
  );
});
