import { expectedCalibrationError, ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import type { RolloutPolicy, ThresholdObjective } from '../../../shared/domain/rollout-policy.ts';
import type { ValidationFigures, ValidationReport } from '../../../shared/domain/rollout.ts';
import { LastWindow, quantileOf } from './last-window.ts';
import { logLoss } from './differences.ts';
import type { Pair, PairScore } from './pair.ts';
import { packStates, unpackStates } from './state-pack.ts';

/** Newest pairs, and scoring runs for their times, that the suite looks at. */
export const VALIDATION_PAIRS = 2000;

/** The suite says nothing below this many pairs, or the minimum of the shadow phase where that is less. */
const PAIRS_MIN = 200;

/** What precision and recall may be below the baseline's. */
const QUALITY_MARGIN_RATE = 0.05;

/** Scoring may take up to twice the baseline's p99 and this on top, µs. */
const SCORING_MARGIN_MICROS = 1000;

const FAILED = -1;
const stored = (score: PairScore): number => (typeof score === 'number' ? score : FAILED);

/**
 * Returns the precision among as many examples as have label 1, those with the highest scores; there it equals the recall
 * (the break-even point). Equal scores at the border count by their share. Null when no example has label 1.
 */
function breakEvenRate(scores: Float64Array, labels: Float64Array): number | null {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0) return null;
  const border = scores.toSorted((one, other) => other - one)[positives - 1] ?? 0;
  let [above, trueAbove, at, trueAt] = [0, 0, 0, 0];
  scores.forEach((score, index) => {
    const label = labels[index] ?? 0;
    if (score > border) [above, trueAbove] = [above + 1, trueAbove + label];
    else if (score === border) [at, trueAt] = [at + 1, trueAt + label];
  });
  return (trueAbove + ((positives - above) * trueAt) / at) / positives;
}

/** Returns precision and recall where scores of at least `threshold` say yes; null where nothing was to be found. */
function qualityAt(
  threshold: number,
  scores: Float64Array,
  labels: Float64Array,
): { precision: number | null; recall: number | null } {
  let [truePositives, yes, positives] = [0, 0, 0];
  labels.forEach((label, index) => {
    positives += label;
    if ((scores[index] ?? 0) < threshold) return;
    yes += 1;
    truePositives += label;
  });
  return {
    precision: yes === 0 ? null : truePositives / yes,
    recall: positives === 0 ? null : truePositives / positives,
  };
}

function figuresOf(
  given: Float64Array,
  labels: Float64Array,
  micros: LastWindow,
  { precision, recall }: RolloutPolicy['objectives'],
): ValidationFigures {
  // no answer is taken as the most wrong one
  const scores = given.map((score, index) => (score === FAILED ? 1 - (labels[index] ?? 0) : score));
  let loss = 0;
  const metrics = new ProgressiveMetrics();
  labels.forEach((label, index) => {
    const score = scores[index] ?? FAILED;
    loss += logLoss(score, label);
    metrics.record(score, label, 1);
  });
  const at = (objective: ThresholdObjective | null, what: 'precision' | 'recall'): number | null =>
    objective === null
      ? breakEvenRate(scores, labels)
      : qualityAt(objective.thresholdProbability, scores, labels)[what];
  return {
    logLossNats: loss / labels.length,
    precision: at(precision, 'precision'),
    recall: at(recall, 'recall'),
    calibrationErrorRate: expectedCalibrationError(metrics.calibration()),
    scoringP99Micros: quantileOf(micros.values(), 0.99),
  };
}

function faultsOf(
  candidate: ValidationFigures,
  baseline: ValidationFigures,
  policy: RolloutPolicy,
): string[] {
  const faults: string[] = [];
  const hold = (what: string, value: number | null, limit: number | null): void => {
    if (value === null || limit === null || value <= limit) return;
    faults.push(`${what} ${value.toFixed(4)}, allowed up to ${limit.toFixed(4)}`);
  };
  const { loss } = policy.objectives;
  hold('log-loss', candidate.logLossNats, baseline.logLossNats + loss.rollbackMarginNats);
  for (const what of ['precision', 'recall'] as const) {
    const margin = policy.objectives[what]?.marginRate ?? QUALITY_MARGIN_RATE;
    const [of, than] = [candidate[what], baseline[what]];
    if (of !== null && than !== null) hold(`loss of ${what}`, than - of, margin);
  }
  const calibration = baseline.calibrationErrorRate + policy.guards.calibrationMarginRate;
  hold('calibration error', candidate.calibrationErrorRate, calibration);
  const [p99, than] = [candidate.scoringP99Micros, baseline.scoringP99Micros];
  const isTimeJudged = policy.guards.slownessMarginRate < 1;
  if (than !== null && isTimeJudged) hold('scoring p99 in µs', p99, 2 * than + SCORING_MARGIN_MICROS);
  return faults;
}

/**
 * The validation suite: how candidate and baseline did on the newest 2,000 matured pairs, and how long the newest
 * 2,000 scoring runs took. It fails a candidate whose log-loss is above the baseline's by more than the
 * rollback margin, whose precision or recall is below it by more than 0.05 (or the objective's margin), each at the
 * objective's threshold, or where the policy has none at each version's own break-even point, which asks how well it ranks
 * whatever its scores mean; whose calibration error is above it by more than the guard's margin, or whose p99 of scoring is above twice the
 * baseline's and a millisecond, unless the policy lets it be the slower one on every request (`slownessMarginRate` 1).
 */
export class ValidationWindow {
  readonly #policy: RolloutPolicy;
  readonly #parts = {
    candidate: new LastWindow(VALIDATION_PAIRS),
    baseline: new LastWindow(VALIDATION_PAIRS),
    labels: new LastWindow(VALIDATION_PAIRS),
    candidateMicros: new LastWindow(VALIDATION_PAIRS),
    baselineMicros: new LastWindow(VALIDATION_PAIRS),
  };

  constructor(policy: RolloutPolicy) {
    this.#policy = policy;
  }

  takePair({ candidate, baseline, label }: Pair): void {
    this.#parts.candidate.take(stored(candidate));
    this.#parts.baseline.take(stored(baseline));
    this.#parts.labels.take(label);
  }

  /** Takes scoring times of one run, µs; below 0 when unknown. */
  takeMicros(candidate: number, baseline: number): void {
    if (candidate >= 0) this.#parts.candidateMicros.take(candidate);
    if (baseline >= 0) this.#parts.baselineMicros.take(baseline);
  }

  /** Returns the report as of now; null while there are too few pairs. */
  report(): ValidationReport | null {
    const labels = this.#parts.labels.values();
    if (labels.length < Math.max(1, Math.min(PAIRS_MIN, this.#policy.shadowExamplesMin))) return null;
    const of = (scores: LastWindow, micros: LastWindow): ValidationFigures =>
      figuresOf(scores.values(), labels, micros, this.#policy.objectives);
    const candidate = of(this.#parts.candidate, this.#parts.candidateMicros);
    const baseline = of(this.#parts.baseline, this.#parts.baselineMicros);
    return {
      examples: labels.length,
      candidate,
      baseline,
      faults: faultsOf(candidate, baseline, this.#policy),
    };
  }

  bytes(): Uint8Array {
    return packStates(this.#parts);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array): void {
    unpackStates(this.#parts, bytes);
  }
}
