import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { goldenBytes, LazyGolden } from '../../../services/router/adapters/golden-bytes.ts';

const value = fc.oneof(fc.constant(null), fc.boolean(), fc.double(), fc.string());

test('golden rows come back as they were, whatever is in them, and as often as they are asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.array(value)), fc.array(fc.double()), (rows, scores) => {
      const lazy = new LazyGolden(goldenBytes({ rows, scores }));
      for (let times = 0; times < 2; times++) {
        assert.deepStrictEqual(lazy.rows, rows);
        assert.deepStrictEqual(lazy.scores, scores);
      }
    }),
  );
});

test('nothing is made of the bytes before that', () => {
  const lazy = new LazyGolden(Uint8Array.of(1, 2, 3));
  assert.throws(() => lazy.rows);
});
