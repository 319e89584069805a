import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { NumericScaler } from '../../support/reference-learner/numeric-scaler.ts';
import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import { hashedRow } from './hashed-row.ts';

const features: readonly FeatureSpec[] = [
  { name: 'a', type: 'numeric' },
  { name: 'city', type: 'categorical' },
  { name: 'b', type: 'numeric' },
];

test('mean and deviation are those of a computation in two passes', () => {
  const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(value, { minLength: 2, maxLength: 50 }), (xs) => {
      const scaler = new NumericScaler(features);
      for (const x of xs) scaler.learn(hashedRow(features, [null, 'Oslo', x]));
      const mean = xs.reduce((sum, x) => sum + x, 0) / xs.length;
      const deviation = Math.sqrt(xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / xs.length);
      assert.ok(Math.abs((scaler.scaling.means[1] ?? NaN) - mean) < 1e-6);
      if (deviation > 1e-3) assert.ok(Math.abs((scaler.scaling.invStds[1] ?? NaN) * deviation - 1) < 1e-6);
    }),
  );
});

test('missing and categorical values are left out', () => {
  const scaler = new NumericScaler(features);
  for (const a of [null, undefined]) scaler.learn(hashedRow(features, [a, 'Oslo', 5]));
  assert.deepEqual([...scaler.counts], [0, 2]);
});

test('a feature never seen, seen once or constant has inverse deviation 0', () => {
  const scaler = new NumericScaler(features);
  assert.deepEqual([...scaler.scaling.invStds], [0, 0]);
  scaler.learn(hashedRow(features, [0.1, null, null]));
  assert.equal(scaler.scaling.invStds[0], 0);
  for (let i = 0; i < 1000; i++) scaler.learn(hashedRow(features, [0.1, null, null]));
  assert.equal(scaler.scaling.invStds[0], 0);
});
