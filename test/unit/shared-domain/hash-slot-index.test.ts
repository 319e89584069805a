import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HashSlotIndex } from '../../../shared/domain/hash-slot-index.ts';

const CAPACITY = 16;

test('it finds what a map finds, through collisions, replacements and removals', () => {
  // Few hashes, close together and at the table's end, so that chains form, wrap and break.
  const hash = fc.record({ high: fc.nat(2), low: fc.constantFrom(0, 1, 2, 29, 30, 31, 32, 63) });
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(CAPACITY - 1), hash), { maxLength: 200 }), (steps) => {
      const held = new Map<number, { high: number; low: number }>();
      const newest = new Map<string, number>();
      const index = new HashSlotIndex(CAPACITY, (slot) => held.get(slot)?.high ?? NaN);
      const remove = (slot: number): void => {
        const old = held.get(slot);
        if (old === undefined) return;
        index.remove(slot, old.high, old.low);
        held.delete(slot);
        const key = `${String(old.high)}/${String(old.low)}`;
        if (newest.get(key) === slot) newest.delete(key);
      };
      for (const [isPut, slot, { high, low }] of steps) {
        remove(slot);
        if (isPut) {
          held.set(slot, { high, low });
          newest.set(`${String(high)}/${String(low)}`, slot);
          index.put(slot, high, low);
        }
        for (let h = 0; h <= 2; h++) {
          for (const l of [0, 1, 2, 29, 30, 31, 32, 63]) {
            assert.equal(index.find(h, l), newest.get(`${String(h)}/${String(l)}`) ?? -1);
          }
        }
      }
    }),
  );
});
