import assert from 'node:assert/strict';
import { test } from 'node:test';
import { screenTarget } from '../../../services/online-learner/domain/screening.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { streamConfig } from './synthetic-stream.ts';

const features: readonly FeatureSpec[] = [
  { name: 'city', type: 'categorical' },
  { name: 'amount', type: 'numeric' },
];

/** A version that has learned these amounts. */
function learnerAfter(amounts: readonly number[]): VersionLearner {
  const learner = VersionLearner.cold({ features, crosses: [] }, 1, streamConfig, 0);
  for (const amount of amounts) learner.step(['Oslo', amount], 1, 1);
  return learner;
}

/** The amounts 9 and 11 in turn: mean 10, deviation 1 at even counts. */
function around10(count: number): number[] {
  return Array.from({ length: count }, (_, i) => (i % 2 === 0 ? 9 : 11));
}

/** Why a row is not learned after these amounts. */
function reason(amounts: readonly number[], row: readonly (FeatureValue | undefined)[]): string | undefined {
  return learnerAfter(amounts).step(row, 1, 1).screened;
}

test('a value beyond the fence is refused with feature, value and limit', () => {
  assert.equal(reason(around10(100), ['Oslo', 109]), undefined);
  assert.equal(
    reason(around10(100), ['Oslo', 111]),
    'feature amount: value 111 is 101 standard deviations from the mean, allowed 100',
  );
  assert.match(reason(around10(100), ['Oslo', -91]) ?? '', /value -91/);
});

test('the fence holds from the hundredth value on, and not for a feature constant until then', () => {
  assert.equal(reason(around10(99), ['Oslo', 1e9]), undefined);
  assert.equal(
    reason(
      Array.from({ length: 200 }, () => 5),
      ['Oslo', 1e9],
    ),
    undefined,
  );
});

test('a value past ±1e15 or not a number is always refused', () => {
  assert.equal(reason([], ['Oslo', -1e15]), undefined);
  for (const value of [1.1e15, -1e300, Infinity, NaN]) {
    assert.equal(
      reason([], ['Oslo', value]),
      `feature amount: value ${String(value)}, allowed up to ±1000000000000000`,
    );
  }
});

test('missing values pass', () => {
  for (const value of [null, undefined]) assert.equal(reason(around10(100), [value, value]), undefined);
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

test('what is refused changes a counter and nothing else', () => {
  const learner = learnerAfter(around10(200));
  const before = learner.sections().map((section) => [section.name, section.bytes().slice()] as const);
  for (const [row, label, weight] of [
    [['Oslo', 1e9], 1, 1],
    [['Oslo', 10], 0.5, 1],
    [['Oslo', 10], 1, -1],
    [['Oslo', 10], 1, 1e7],
  ] as const) {
    assert.notEqual(learner.step(row, label, weight).screened, undefined);
  }
  const after = new Map(learner.sections().map((section) => [section.name, section.bytes()]));
  for (const [name, bytes] of before) {
    if (!name.endsWith('/counters')) assert.deepEqual(after.get(name), bytes, name);
  }
  assert.equal(learner.screened, 4);
});
