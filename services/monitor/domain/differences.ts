import { PROBABILITY_MIN } from '../../../shared/domain/progressive-metrics.ts';

/** Returns the log-loss of a probability of label 1, clipped to [0.001, 0.999], nats. */
export function logLoss(score: number, label: number): number {
  const ofLabel = label === 1 ? score : 1 - score;
  return -Math.log(Math.min(1 - PROBABILITY_MIN, Math.max(PROBABILITY_MIN, ofLabel)));
}

/** Two sound scores on one labelled example. */
export interface SoundPair {
  readonly candidate: number;
  readonly baseline: number;
  readonly label: number;
}

/** The most that two losses can differ by, nats: probabilities are clipped to [0.001, 0.999]. */
export const LOSS_GAP_MAX = Math.log((1 - PROBABILITY_MIN) / PROBABILITY_MIN);

/** Returns the unclipped difference of the losses, candidate less baseline, nats. */
export function lossGap({ candidate, baseline, label }: SoundPair): number {
  return logLoss(candidate, label) - logLoss(baseline, label);
}

/** Returns the difference of the losses, candidate less baseline, within ±1 nat. */
export function lossDifference(pair: SoundPair): number {
  return Math.min(1, Math.max(-1, lossGap(pair)));
}

/** Returns wrong answers at a threshold, candidate less baseline: -1, 0 or 1. */
export function accuracyDifference({ candidate, baseline, label }: SoundPair, threshold: number): number {
  const wrong = (score: number): number => (score >= threshold === (label === 1) ? 0 : 1);
  return wrong(candidate) - wrong(baseline);
}

/** Returns missed positives at a threshold, candidate less baseline; null for label 0, which recall does not look at. */
export function recallDifference(
  { candidate, baseline, label }: SoundPair,
  threshold: number,
): number | null {
  if (label !== 1) return null;
  return Number(candidate < threshold) - Number(baseline < threshold);
}

/**
 * Returns the loss of precision that a pair stands for; null when neither says yes. With c and s whether candidate
 * and baseline say yes and π the baseline's precision: (c − s)(π − y) + margin (1 − c). Its mean is the margin
 * exactly when the candidate's precision is π less the margin: a yes is worth (y − π), whoever gives it, and a no is
 * neutral.
 *
 * @param baselinePrecision known before this pair, [0, 1]
 */
export function precisionDifference(
  { candidate, baseline, label }: SoundPair,
  { threshold, baselinePrecision, margin }: { threshold: number; baselinePrecision: number; margin: number },
): number | null {
  const c = Number(candidate >= threshold);
  const s = Number(baseline >= threshold);
  if (c + s === 0) return null;
  return (c - s) * (baselinePrecision - label) + margin * (1 - c);
}
