import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createFeatureEncoder, STANDARDISED_MAX } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureEncoder, Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';

const features: readonly FeatureSpec[] = [
  { name: 'city', type: 'categorical' },
  { name: 'amount', type: 'numeric' },
  { name: 'isNew', type: 'boolean' },
  { name: 'age', type: 'numeric' },
];
const crosses = [
  ['city', 'isNew'],
  ['isNew', 'city'],
];
const scaling: Scaling = { means: Float64Array.of(10, 40), invStds: Float64Array.of(0.5, 0) };
const encoder = createFeatureEncoder(features, crosses, 10);
const BIAS = 1024;

function encode(row: readonly (FeatureValue | undefined)[], by: FeatureEncoder = encoder, at = 0) {
  const indices = new Int32Array(at + by.width).fill(-1);
  const values = new Float32Array(at + by.width).fill(-1);
  by.encode(row, scaling, indices, values, at);
  return { indices: [...indices], values: [...values] };
}

test('a row becomes its features, its crosses and the bias', () => {
  const { indices, values } = encode(['Oslo', 13, true, 50]);
  assert.equal(encoder.width, 7);
  assert.deepEqual(encoder.slotNames, ['city', 'amount', 'isNew', 'age', 'city*isNew', 'isNew*city', 'bias']);
  assert.deepEqual(values, [1, 1.5, 1, 0, 1, 1, 1]);
  assert.equal(indices[6], BIAS);
  assert.notEqual(indices[4], indices[5], 'crosses in another order have another index');
  assert.ok([0, 1, 2, 4, 5].every((slot) => (indices[slot] ?? -1) >= 0 && (indices[slot] ?? BIAS) < BIAS));
});

test('a missing feature and a cross with a missing part are the bias with value 0', () => {
  const { indices, values } = encode([null, 13, undefined, null]);
  assert.deepEqual(
    indices.filter((_, slot) => slot !== 1),
    new Array(6).fill(BIAS),
  );
  assert.deepEqual(values, [0, 1.5, 0, 0, 0, 0, 1]);
});

test('values of the wrong type and non-finite numbers count as missing', () => {
  for (const amount of ['13', true, NaN, Infinity, -Infinity]) {
    assert.deepEqual(encode([1.5, amount, 'true', null]), encode([null, null, null, null]));
  }
});

test('a safe integer is the category of its decimal string', () => {
  assert.deepEqual(encode([42, 1, true, 1]), encode(['42', 1, true, 1]));
});

test('equal values of two features have different indices', () => {
  const twins = createFeatureEncoder(
    [
      { name: 'a', type: 'categorical' },
      { name: 'b', type: 'categorical' },
    ],
    [],
    20,
  );
  const { indices } = encode(['x', 'x'], twins);
  assert.notEqual(indices[0], indices[1]);
});

test('an index depends on names and values alone, not on the other features declared', () => {
  const alone = createFeatureEncoder([{ name: 'city', type: 'categorical' }], [], 10);
  assert.equal(encode(['Oslo'], alone).indices[0], encode(['Oslo', 13, true, 50]).indices[0]);
});

test('indices and crosses are the ones published snapshots were made with', () => {
  // A change here breaks every stored model: it needs a new format.
  assert.deepEqual(encode(['Oslo', 13, true, 50]).indices, [28, 890, 318, BIAS, 205, 884, BIAS]);
});

test('pairs are written from the element asked for and nowhere else', () => {
  const { indices, values } = encode(['Oslo', 13, true, 50], encoder, 3);
  const plain = encode(['Oslo', 13, true, 50]);
  assert.deepEqual(indices, [-1, -1, -1, ...plain.indices]);
  assert.deepEqual(values, [-1, -1, -1, ...plain.values]);
});

test('a standardised value is finite and within its limit for any number and scaling', () => {
  const number = fc.double();
  fc.assert(
    fc.property(number, fc.double({ noNaN: true }), fc.double({ min: 0, noNaN: true }), (x, mean, invStd) => {
      const extreme = { means: Float64Array.of(mean, 0), invStds: Float64Array.of(invStd, 0) };
      const values = new Float32Array(encoder.width);
      encoder.encode([null, x, null, null], extreme, new Int32Array(encoder.width), values, 0);
      assert.ok(Math.abs(values[1] ?? NaN) <= STANDARDISED_MAX);
    }),
  );
});

test('a table out of range and a cross of unknown or numeric features are refused', () => {
  for (const bits of [7, 25, 10.5]) assert.throws(() => createFeatureEncoder(features, [], bits), RangeError);
  for (const name of ['amount', 'nobody']) {
    assert.throws(() => createFeatureEncoder(features, [['city', name]], 10), new RegExp(`city\\*${name}`));
  }
});
