import { bytesOf, restoreBytes } from './state-section.ts';

/** Width of the calibration table. */
export const CALIBRATION_BINS = 10;

/** Probabilities are clipped to [PROBABILITY_MIN, 1 - PROBABILITY_MIN] before their logarithm is taken. */
export const PROBABILITY_MIN = 0.001;

/** 2^(-1/10,000): an example's share of the recent log-loss halves every 10,000 examples. */
export const RECENT_DECAY = 0.9999306876841536;

const AT = {
  examples: 0,
  weight: 1,
  labels: 2,
  loss: 3,
  correct: 4,
  brier: 5,
  baseLoss: 6,
  recent: 7,
  recentWeight: 8,
};
const BINS_AT = 9;

/** How many numbers the metrics are. */
export const METRICS_SUMS = BINS_AT + 3 * CALIBRATION_BINS;

/** Weighted means over all examples so far; NaN before the first. */
export interface ProgressiveSummary {
  readonly examples: number;
  readonly weight: number;
  readonly logLoss: number;
  readonly recentLogLoss: number;
  /** Log-loss of always answering the base rate known before each example. */
  readonly baseRateLogLoss: number;
  readonly accuracyRate: number;
  readonly brier: number;
  readonly baseRate: number;
  readonly expectedCalibrationError: number;
}

/**
 * Quality of predictions made before learning each example (progressive validation, Blum et al. 1999), weighted by the
 * events' weights, in float64.
 */
export class ProgressiveMetrics {
  readonly #sums: Float64Array;

  /** @param sums where the sums are kept, METRICS_SUMS numbers: zeros, or what another one kept there */
  constructor(sums: Float64Array = new Float64Array(METRICS_SUMS)) {
    this.#sums = sums;
  }

  /**
   * Adds one example.
   *
   * @param score probability of label 1 predicted before the example was learned
   * @param label 0 or 1
   */
  record(score: number, label: number, weight: number): void {
    const sums = this.#sums;
    const seen = sums[AT.weight] ?? 0;
    // Laplace's rule: one label of each kind is taken as seen before the first example.
    const baseRate = ((sums[AT.labels] ?? 0) + 1) / (seen + 2);
    const loss = weight * logLoss(score, label);
    const error = score - label;
    sums[AT.examples] = (sums[AT.examples] ?? 0) + 1;
    sums[AT.weight] = seen + weight;
    sums[AT.labels] = (sums[AT.labels] ?? 0) + weight * label;
    sums[AT.loss] = (sums[AT.loss] ?? 0) + loss;
    sums[AT.correct] = (sums[AT.correct] ?? 0) + (score >= 0.5 === (label === 1) ? weight : 0);
    sums[AT.brier] = (sums[AT.brier] ?? 0) + weight * error * error;
    sums[AT.baseLoss] = (sums[AT.baseLoss] ?? 0) + weight * logLoss(baseRate, label);
    sums[AT.recent] = (sums[AT.recent] ?? 0) * RECENT_DECAY + loss;
    sums[AT.recentWeight] = (sums[AT.recentWeight] ?? 0) * RECENT_DECAY + weight;
    const bin = BINS_AT + 3 * Math.min(CALIBRATION_BINS - 1, Math.floor(score * CALIBRATION_BINS));
    sums[bin] = (sums[bin] ?? 0) + weight;
    sums[bin + 1] = (sums[bin + 1] ?? 0) + weight * score;
    sums[bin + 2] = (sums[bin + 2] ?? 0) + weight * label;
  }

  summary(): ProgressiveSummary {
    const sums = this.#sums;
    const weight = sums[AT.weight] ?? 0;
    const mean = (at: number): number => (sums[at] ?? 0) / weight;
    return {
      examples: sums[AT.examples] ?? 0,
      weight,
      logLoss: mean(AT.loss),
      recentLogLoss: (sums[AT.recent] ?? 0) / (sums[AT.recentWeight] ?? 0),
      baseRateLogLoss: mean(AT.baseLoss),
      accuracyRate: mean(AT.correct),
      brier: mean(AT.brier),
      baseRate: mean(AT.labels),
      expectedCalibrationError: expectedCalibrationError(this.calibration()),
    };
  }

  /** Returns the table of scores in [0, 0.1), [0.1, 0.2) … [0.9, 1]. */
  calibration(): readonly CalibrationBin[] {
    return Array.from({ length: CALIBRATION_BINS }, (_, bin) => {
      const [weight = 0, scoreSum = 0, labelSum = 0] = this.#sums.subarray(BINS_AT + 3 * bin);
      return { weight, scoreSum, labelSum };
    });
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#sums);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#sums, bytes, name);
  }
}

/** The examples whose scores fell into one tenth of [0, 1]; sums are weighted. */
export interface CalibrationBin {
  readonly weight: number;
  readonly scoreSum: number;
  readonly labelSum: number;
}

/** Returns the mean distance between score and label rate over the bins, weighted by their weight; NaN when all are empty. */
export function expectedCalibrationError(bins: readonly CalibrationBin[]): number {
  let total = 0;
  let distance = 0;
  for (const bin of bins) {
    total += bin.weight;
    distance += Math.abs(bin.scoreSum - bin.labelSum);
  }
  return distance / total;
}

function logLoss(probability: number, label: number): number {
  const ofLabel = label === 1 ? probability : 1 - probability;
  return -Math.log(Math.min(1 - PROBABILITY_MIN, Math.max(PROBABILITY_MIN, ofLabel)));
}
