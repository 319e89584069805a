import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValidationWindow } from '../../../services/monitor/domain/validation-window.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { ValidationReport } from '../../../shared/domain/rollout.ts';

const POLICY: RolloutPolicy = { ...DEFAULT_ROLLOUT_POLICY, shadowExamplesMin: 4 };

/** Returns the report on pairs of candidate's score, baseline's score and label. */
function reportOf(
  policy: RolloutPolicy,
  pairs: readonly (readonly [number, number, number])[],
): ValidationReport {
  const window = new ValidationWindow(policy);
  for (const [candidate, baseline, label] of pairs)
    window.takePair({ candidate, baseline, label, atMs: 0, stageKey: 0 });
  const report = window.report();
  assert.ok(report !== null);
  return report;
}

test('without an objective, precision and recall say how well a version ranks, whatever its scores mean', () => {
  // Both rank alike; the candidate's scores are a tenth of the baseline's and never reach one half.
  const { candidate, baseline } = reportOf(POLICY, [
    [0.09, 0.9, 1],
    [0.08, 0.8, 0],
    [0.07, 0.7, 1],
    [0.01, 0.1, 0],
  ]);
  assert.deepEqual([candidate.precision, candidate.recall], [0.5, 0.5]);
  assert.deepEqual([baseline.precision, baseline.recall], [0.5, 0.5]);
});

test('a baseline that answers the same to all has the share of label 1, and holds nobody up that is better', () => {
  const report = reportOf(POLICY, [
    [0.9, 0.5, 1],
    [0.3, 0.5, 0],
    [0.2, 0.5, 0],
    [0.1, 0.5, 0],
  ]);
  assert.deepEqual([report.baseline.precision, report.baseline.recall], [0.25, 0.25]);
  assert.deepEqual([report.candidate.precision, report.candidate.recall], [1, 1]);
  assert.deepEqual(report.faults, []);
});

test('with an objective they are taken at its threshold, and a fault names what is missing and the limit', () => {
  const recall = { thresholdProbability: 0.7, marginRate: 0.1 };
  const policy = { ...POLICY, objectives: { ...POLICY.objectives, recall } };
  const report = reportOf(policy, [
    [0.69, 0.7, 1],
    [0.9, 0.9, 1],
    [0.1, 0.1, 0],
    [0.1, 0.1, 0],
  ]);
  assert.deepEqual([report.candidate.recall, report.baseline.recall], [0.5, 1]);
  assert.deepEqual(report.faults, ['loss of recall 0.5000, allowed up to 0.1000']);
});

test('without label 1 there is nothing to find, and no limit on it', () => {
  const report = reportOf(POLICY, [
    [0.1, 0.1, 0],
    [0.2, 0.1, 0],
    [0.1, 0.1, 0],
    [0.1, 0.1, 0],
  ]);
  assert.deepEqual([report.candidate.precision, report.candidate.recall], [null, null]);
});

test('the time of scoring is looked at, unless the policy lets a candidate be slower on every request', () => {
  const faultsWith = (slownessMarginRate: number): readonly string[] => {
    const guards = { ...POLICY.guards, slownessMarginRate };
    const window = new ValidationWindow({ ...POLICY, guards });
    for (const label of [1, 0, 1, 0]) {
      window.takePair({ candidate: 0.5, baseline: 0.5, label, atMs: 0, stageKey: 0 });
      window.takeMicros(5000, 20);
    }
    return window.report()?.faults ?? ['no report'];
  };
  assert.deepEqual(faultsWith(0.99), ['scoring p99 in µs 5000.0000, allowed up to 1040.0000']);
  assert.deepEqual(faultsWith(1), []);
});
