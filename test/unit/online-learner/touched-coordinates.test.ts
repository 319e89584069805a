import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TouchedCoordinates } from '../../../services/online-learner/domain/touched-coordinates.ts';

const SIZE = 2 ** 14 + 1;

test('the list holds every coordinate touched since the reset once, ascending', () => {
  const coordinates = fc.array(fc.nat(SIZE - 1), { size: 'large' });
  fc.assert(
    fc.property(coordinates, coordinates, (before, after) => {
      const touched = new TouchedCoordinates(SIZE);
      for (const i of before) touched.mark(i);
      touched.reset();
      for (const i of after) touched.mark(i);
      const expected = [...new Set(after)].sort((a, b) => a - b);
      assert.deepEqual([...touched.list()], expected);
      assert.equal(touched.count, expected.length);
      assert.deepEqual([...touched.list()], expected, 'taking the list leaves it');
    }),
  );
});

test('pages are dirty from the start, then exactly where a coordinate was touched', () => {
  const touched = new TouchedCoordinates(SIZE);
  assert.deepEqual([...touched.pageFlags], [7, 7, 7, 7, 7]);
  touched.markPagesClean();
  for (const i of [4095, 4096, SIZE - 1]) touched.mark(i);
  assert.deepEqual([...touched.pageFlags], [7, 7, 0, 0, 7]);
});

test('a reset list leaves pages dirty, clean pages leave the list', () => {
  const touched = new TouchedCoordinates(SIZE);
  touched.markPagesClean();
  touched.mark(5);
  touched.reset();
  assert.equal(touched.pageFlags[0], 7);
  touched.mark(6);
  touched.markPagesClean();
  assert.deepEqual([...touched.list()], [6]);
});
