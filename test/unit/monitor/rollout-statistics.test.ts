import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BaselinePrecision } from '../../../services/monitor/domain/baseline-precision.ts';
import { BiasSigns } from '../../../services/monitor/domain/bias-signs.ts';
import {
  accuracyDifference,
  lossDifference,
  precisionDifference,
  recallDifference,
  lossGap,
  LOSS_GAP_MAX,
} from '../../../services/monitor/domain/differences.ts';
import { KnownArms } from '../../../services/monitor/domain/known-arms.ts';
import { LastWindow, quantileOf } from '../../../services/monitor/domain/last-window.ts';
import { OutcomeTest } from '../../../services/monitor/domain/outcome-test.ts';
import { alphaOfAttempt, thresholdsOf } from '../../../services/monitor/domain/rollout-alpha.ts';
import { PairedStream } from '../../../services/monitor/domain/paired-stream.ts';
import { RunningInterval } from '../../../services/monitor/domain/running-interval.ts';
import { SlownessThreshold } from '../../../services/monitor/domain/slowness-threshold.ts';
import { StageCounts } from '../../../services/monitor/domain/stage-counts.ts';
import { Warming } from '../../../services/monitor/domain/warming.ts';

const near = (found: number | null | undefined, expected: number): void => {
  assert.ok(found != null && Math.abs(found - expected) < 1e-9, `${String(found)} for ${String(expected)}`);
};

test('a bad outcome moves every rate ratio of the grid by its likelihood', () => {
  const [candidate, stable] = [new OutcomeTest(0.1), new OutcomeTest(0.1)];
  candidate.take(true, 0.2);
  stable.take(false, 0.2);
  const theta = (ratio: number): number => (0.2 * ratio) / (0.8 + 0.2 * ratio);
  let [ofCandidate, ofStable] = [0, 0];
  for (let k = 1; k <= 32; k += 1) {
    const ratio = 1.1 * 10 ** (k / 16);
    ofCandidate += theta(ratio) / theta(1.1) / 32;
    ofStable += (1 - theta(ratio)) / (1 - theta(1.1)) / 32;
  }
  near(candidate.logE, Math.log(ofCandidate));
  near(stable.logE, Math.log(ofStable));
  near(theta(1.1) * ofCandidate + (1 - theta(1.1)) * ofStable, 1); // a fair game at the margin
  assert.equal(stable.maxLogE, 0);
});

test('what was known of a subject’s arm is not counted again', () => {
  const arms = new KnownArms();
  const stable = { arm: 'stable', subjectHash: 7 } as const;
  const candidate = { arm: 'candidate', subjectHash: 8 } as const;
  near(arms.take({ ...stable, candidateProbability: 0.1 }), 0.1);
  assert.equal(arms.take({ ...stable, candidateProbability: 0.1 }), null);
  near(arms.take({ ...stable, candidateProbability: 0.5 }), 0.4 / 0.9);
  near(arms.take({ ...candidate, candidateProbability: 0.1 }), 0.1);
  assert.equal(arms.take({ ...candidate, candidateProbability: 0.5 }), null);
});

test('requests that were not assigned by chance say nothing', () => {
  const arms = new KnownArms();
  for (const candidateProbability of [0, 1])
    assert.equal(arms.take({ arm: 'candidate', subjectHash: 1, candidateProbability }), null);
});

test('the confidence sequence is that of the stitched boundary', () => {
  const interval = new RunningInterval(1);
  assert.equal(interval.interval(0.05), null);
  for (let index = 0; index < 1000; index += 1) interval.take(index % 2 === 0 ? 0.5 : -0.5);
  const [low = 0, high = 0] = interval.interval(0.05) ?? [];
  let [squares, sum] = [0, 0];
  for (let index = 0; index < 1000; index += 1) {
    const value = index % 2 === 0 ? 0.5 : -0.5;
    squares += (value - (index === 0 ? 0 : sum / index)) ** 2;
    sum += value;
  }
  const log = 1.4 * Math.log(Math.log2(squares / 4) + 1) + Math.log(3.105547 / 0.025);
  const k1 = (2 ** 0.25 + 2 ** -0.25) / Math.SQRT2;
  const k2 = (Math.SQRT2 + 1) / 2;
  const radius = (Math.sqrt(k1 * k1 * squares * log + (k2 * 2 * log) ** 2) + k2 * 2 * log) / 1000;
  near(low, -radius);
  near(high, radius);
});

test('differences are those of the definitions', () => {
  const pair = { candidate: 0.2, baseline: 0.9, label: 1 };
  assert.equal(lossDifference(pair), 1); // log(0.9 / 0.2) = 1.5, clipped
  near(lossDifference({ ...pair, candidate: 0.6 }), Math.log(0.9 / 0.6));
  near(lossDifference({ candidate: 0, baseline: 0.0005, label: 0 }), 0); // both clipped to 0.001
  near(lossGap(pair), Math.log(0.9 / 0.2)); // not clipped
  near(lossGap({ candidate: 0, baseline: 1, label: 1 }), LOSS_GAP_MAX);
  assert.equal(accuracyDifference(pair, 0.5), 1);
  assert.equal(accuracyDifference({ ...pair, label: 0 }, 0.5), -1);
  assert.equal(recallDifference(pair, 0.5), 1);
  assert.equal(recallDifference({ ...pair, label: 0 }, 0.5), null);
});

test('the mean loss of precision is the margin exactly when the candidate’s precision is below the baseline’s by it', () => {
  const [threshold, baselinePrecision, margin] = [0.5, 0.8, 0.05];
  const of = (candidate: number, baseline: number, label: number): number =>
    precisionDifference({ candidate, baseline, label }, { threshold, baselinePrecision, margin }) ?? NaN;
  assert.ok(Number.isNaN(of(0.1, 0.2, 1)));
  // the baseline says yes 100 times, 80 right; the candidate 40 other times, 30 right: 0.75
  const sum = 80 * of(0, 1, 1) + 20 * of(0, 1, 0) + 30 * of(1, 0, 1) + 10 * of(1, 0, 0);
  near(sum / 140, margin);
});

test('precision is known before the pair that it judges', () => {
  const precision = new BaselinePrecision();
  assert.equal(precision.rate, 0.5);
  precision.take(1);
  near(precision.rate, 2 / 3);
});

test('the difference of calibration is that of the biases once their signs are known', () => {
  const signs = new BiasSigns();
  let sum = 0;
  for (let index = 0; index < 2000; index += 1) {
    const label = index % 2;
    const difference = signs.take({ candidate: 0.3, baseline: 0.55, label });
    if (index >= 1000) sum += difference;
  }
  near(sum / 1000, 0.2 - 0.05);
});

test('slow is a tenth of a millisecond slower than the baseline’s 99th percentile of the window before', () => {
  const threshold = new SlownessThreshold();
  for (let micros = 1; micros < 200; micros += 1) threshold.take(micros);
  assert.equal(threshold.micros, null);
  threshold.take(200);
  assert.equal(threshold.micros, 298);
  for (let micros = 1; micros < 1000; micros += 1) threshold.take(2000 + micros);
  assert.equal(threshold.micros, 298);
  threshold.take(3000);
  assert.equal(threshold.micros, 3090);
});

test('the last window holds the newest values, oldest first', () => {
  const window = new LastWindow(3);
  assert.equal(window.mean, null);
  for (const value of [1, 2, 3, 4]) window.take(value);
  assert.deepEqual([...window.values()], [2, 3, 4]);
  assert.equal(window.mean, 3);
  assert.equal(quantileOf(window.values(), 0.5), 3);
  assert.equal(quantileOf(new Float64Array(), 0.5), null);
});

test('all tries together have alpha, the first most of it', () => {
  near(
    [1, 2, 3].map((attempt) => alphaOfAttempt(0.05, attempt, 3)).reduce((a, b) => a + b),
    0.05,
  );
  near(alphaOfAttempt(0.05, 1, 1), 0.05);
  near(thresholdsOf(0.05, 5).rollbackLogE, Math.log(100));
  near(thresholdsOf(0.05, 5).promoteLogE, Math.log(20));
});

test('the examples of a stage are counted by their plans, whenever the stage becomes known', () => {
  const counts = new StageCounts();
  for (const plan of [3, 3, 5, 4, 5, 9]) counts.take(plan);
  assert.deepEqual(
    [counts.since(0), counts.since(4), counts.since(5), counts.since(6), counts.since(10)],
    [6, 4, 3, 1, 0],
  );
  for (let plan = 10; plan < 1000; plan += 1) counts.take(plan);
  assert.equal(counts.since(900), 100);
  assert.equal(counts.since(0), 996);
});

test('a candidate is warm after the minimum of examples and once its loss no longer falls', () => {
  const warming = new Warming({ examplesMin: 400, marginNats: 0.01 }, false);
  for (let index = 0; index < 700; index += 1) warming.take(0.7 - index / 1000);
  assert.equal(warming.isWarm, false);
  for (let index = 0; index < 200; index += 1) warming.take(0);
  assert.equal(warming.isWarm, true);
  assert.equal(new Warming({ examplesMin: 400, marginNats: 0.01 }, true).isWarm, true);
  const flat = new Warming({ examplesMin: 400, marginNats: 0.01 }, false);
  for (let index = 0; index < 399; index += 1) flat.take(0);
  assert.equal(flat.isWarm, false);
  flat.take(0);
  assert.equal(flat.isWarm, true);
});

test('a margin of everything is never exceeded, whatever the candidate does', () => {
  const stream = new PairedStream({
    name: 'slowness',
    role: 'guard',
    bound: 1,
    rollbackMargin: 1,
    promoteMargin: null,
  });
  for (let request = 0; request < 100_000; request += 1) stream.take(1);
  assert.equal(stream.hasRolledBack(1), false);
});
