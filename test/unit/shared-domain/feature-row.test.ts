import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import { arrangeRow, rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';

const features: readonly FeatureSpec[] = [
  { name: 'city', type: 'categorical' },
  { name: 'amount', type: 'numeric' },
  { name: 'isNew', type: 'boolean' },
];

test('a row of the declared types is sound, with anything missing', () => {
  for (const row of [
    ['Oslo', 1.5, true],
    [42, -0, false],
    [null, null, null],
    ['', 0, undefined],
  ]) {
    assert.equal(checkRow(row, features), undefined);
  }
});

const FAULTS: readonly (readonly [readonly FeatureValue[], string])[] = [
  [['Oslo', 1], 'row has 2 values, allowed 3'],
  [
    ['x'.repeat(257), 1, true],
    `feature city: string "${'x'.repeat(32)}"… of 257 characters, allowed a string of at most 256 characters`,
  ],
  [[1.5, 1, true], 'feature city: number 1.5, allowed a string or a safe integer'],
  [[2 ** 53, 1, true], 'feature city: number 9007199254740992, allowed a string or a safe integer'],
  [[true, 1, true], 'feature city: boolean true, allowed a string or a safe integer'],
  [['Oslo', '1', true], 'feature amount: string "1", allowed a finite number'],
  [['Oslo', NaN, true], 'feature amount: number NaN, allowed a finite number'],
  [['Oslo', -Infinity, true], 'feature amount: number -Infinity, allowed a finite number'],
  [['Oslo', 1, 1], 'feature isNew: number 1, allowed true or false'],
  [['Oslo', 1, 'true'], 'feature isNew: string "true", allowed true or false'],
];

test('the first fault of a row names the feature, the value and what is allowed', () => {
  for (const [row, expected] of FAULTS) assert.equal(checkRow(row, features), expected);
});

test('values under a header in any order become a row in spec order', () => {
  const order = rowOrderOf(['isNew', 'unknown', 'city', 'city'], features);
  const row: FeatureValue[] = [];
  arrangeRow(order, [true, 9, 'Oslo', 'Bergen'], row);
  assert.deepEqual(row, ['Oslo', null, true]);
  assert.equal(order.ignoredNames, 2);
});

test('a row shorter than its header has missing values', () => {
  const row: FeatureValue[] = [];
  arrangeRow(rowOrderOf(['city', 'amount', 'isNew'], features), ['Oslo'], row);
  assert.deepEqual(row, ['Oslo', null, null]);
});
