import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NumericScaler } from '../../../services/online-learner/domain/numeric-scaler.ts';
import { screenRow, screenTarget } from '../../../services/online-learner/domain/screening.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { hashedRow } from './hashed-row.ts';

const features: readonly FeatureSpec[] = [
  { name: 'city', type: 'categorical' },
  { name: 'amount', type: 'numeric' },
];

const hashed = (values: readonly (FeatureValue | undefined)[]): HashedRow => hashedRow(features, values);

/** A scaler that has seen the amounts 9 and 11 in turn: mean 10, deviation 1 at even counts. */
function scalerAfter(count: number): NumericScaler {
  const scaler = new NumericScaler(features);
  for (let i = 0; i < count; i++) scaler.learn(hashed(['Oslo', i % 2 === 0 ? 9 : 11]));
  return scaler;
}

test('a value beyond the fence is refused with feature, value and limit', () => {
  const scaler = scalerAfter(100);
  assert.equal(screenRow(hashed(['Oslo', 109]), features, scaler, 100), undefined);
  assert.equal(
    screenRow(hashed(['Oslo', 111]), features, scaler, 100),
    'feature amount: value 111 is 101 standard deviations from the mean, allowed 100',
  );
  assert.match(screenRow(hashed(['Oslo', -91]), features, scaler, 100) ?? '', /value -91/);
});

test('the fence holds from the hundredth value on, and not for a feature constant until then', () => {
  assert.equal(screenRow(hashed(['Oslo', 1e9]), features, scalerAfter(99), 100), undefined);
  const constant = new NumericScaler(features);
  for (let i = 0; i < 200; i++) constant.learn(hashed(['Oslo', 5]));
  assert.equal(screenRow(hashed(['Oslo', 1e9]), features, constant, 100), undefined);
});

test('a value past ±1e15 or not a number is always refused', () => {
  const scaler = new NumericScaler(features);
  assert.equal(screenRow(hashed(['Oslo', -1e15]), features, scaler, 100), undefined);
  for (const value of [1.1e15, -1e300, Infinity, NaN]) {
    assert.equal(
      screenRow(hashed(['Oslo', value]), features, scaler, 100),
      `feature amount: value ${String(value)}, allowed up to ±1000000000000000`,
    );
  }
});

test('missing values pass', () => {
  for (const value of [null, undefined]) {
    assert.equal(screenRow(hashed([value, value]), features, scalerAfter(100), 100), undefined);
  }
});

test('a label is 0 or 1 and a weight finite and not negative', () => {
  for (const [label, weight] of [
    [0, 1],
    [1, 0],
    [1, 1e6],
  ] as const) {
    assert.equal(screenTarget(label, weight), undefined);
  }
  assert.equal(screenTarget(0.5, 1), 'label 0.5, allowed 0 or 1');
  assert.equal(screenTarget(NaN, 1), 'label NaN, allowed 0 or 1');
  for (const weight of [-1, NaN, Infinity]) {
    assert.equal(screenTarget(1, weight), `weight ${String(weight)}, allowed a finite number of 0 or more`);
  }
});
