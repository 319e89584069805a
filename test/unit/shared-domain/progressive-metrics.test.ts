import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProgressiveMetrics, expectedCalibrationError } from '../../../shared/domain/progressive-metrics.ts';
import { createRng } from '../../../shared/domain/rng.ts';

function close(actual: number, expected: number, tolerance = 1e-12): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${String(actual)}, expected ${String(expected)}`);
}

test('means are weighted by the events’ weights', () => {
  const metrics = new ProgressiveMetrics();
  metrics.record(0.8, 1, 1);
  metrics.record(0.6, 0, 3);
  const summary = metrics.summary();
  assert.deepEqual([summary.examples, summary.weight], [2, 4]);
  close(summary.logLoss, (-Math.log(0.8) - 3 * Math.log(0.4)) / 4);
  close(summary.brier, (0.04 + 3 * 0.36) / 4);
  close(summary.accuracyRate, 1 / 4);
  close(summary.baseRate, 1 / 4);
  close(summary.baseRateLogLoss, (-Math.log(1 / 2) - 3 * Math.log(1 / 3)) / 4);
});

test('probabilities are clipped before their logarithm', () => {
  const metrics = new ProgressiveMetrics();
  metrics.record(0, 1, 1);
  metrics.record(1, 0, 1);
  close(metrics.summary().logLoss, -Math.log(0.001));
});

test('a score of exactly one half predicts label 1', () => {
  const metrics = new ProgressiveMetrics();
  metrics.record(0.5, 1, 1);
  assert.equal(metrics.summary().accuracyRate, 1);
});

test('the calibration table has ten bins, the last one closed', () => {
  const metrics = new ProgressiveMetrics();
  for (const score of [0, 0.05, 0.1, 0.95, 1]) metrics.record(score, 1, 1);
  assert.deepEqual(
    metrics.calibration().map(({ weight }) => weight),
    [2, 1, 0, 0, 0, 0, 0, 0, 0, 2],
  );
});

test('the calibration error is the mean distance of score and label rate', () => {
  const error = expectedCalibrationError([
    { weight: 3, scoreSum: 0.3, labelSum: 0 },
    { weight: 1, scoreSum: 0.9, labelSum: 1 },
  ]);
  close(error, (0.3 + 0.1) / 4);
});

test('the recent log-loss forgets half of the past in 10,000 examples', () => {
  const metrics = new ProgressiveMetrics();
  for (let i = 0; i < 200_000; i++) metrics.record(0.1, 1, 1);
  for (let i = 0; i < 10_000; i++) metrics.record(0.9, 1, 1);
  close(metrics.summary().recentLogLoss, (-Math.log(0.1) - Math.log(0.9)) / 2, 1e-5);
});

test('before the first example there is no mean', () => {
  const { examples, logLoss, recentLogLoss } = new ProgressiveMetrics().summary();
  assert.deepEqual([examples, logLoss, recentLogLoss], [0, NaN, NaN]);
});

test('metrics restored from their bytes go on bit-identically', () => {
  const rng = createRng(1);
  const events = Array.from({ length: 200 }, () => [rng.next(), rng.int(2), 1 + rng.int(3)] as const);
  const [whole, first, second] = [
    new ProgressiveMetrics(),
    new ProgressiveMetrics(),
    new ProgressiveMetrics(),
  ];
  for (const event of events) whole.record(...event);
  for (const event of events.slice(0, 100)) first.record(...event);
  second.restore(first.bytes().slice(), 'metrics');
  for (const event of events.slice(100)) second.record(...event);
  assert.deepEqual(second.bytes(), whole.bytes());
});
