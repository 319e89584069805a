import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intervalOf } from './serving/interval.ts';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

await test('a mean lies as far from itself in nine of ten resamplings as its standard error says', () => {
  const values = Array.from({ length: 400 }, (_, i) => i % 2); // standard deviation 0.5, of the mean 0.025
  const [low, high] = intervalOf(values, mean);
  assert.ok(Math.abs(low - (0.5 - 1.645 * 0.025)) < 0.005, String(low));
  assert.ok(Math.abs(high - (0.5 + 1.645 * 0.025)) < 0.005, String(high));
});

await test('what is the same in all rounds has no width, and the same rounds have the same interval', () => {
  assert.deepEqual(intervalOf([3, 3, 3], mean), [3, 3]);
  assert.deepEqual(intervalOf([1, 2, 5, 8], mean), intervalOf([1, 2, 5, 8], mean));
});
