import type { Thresholds } from './paired-stream.ts';

/**
 * Returns the share of a version's alpha that one try of it has: alpha (n + 1) / (n a (a + 1)) for try a of n, which
 * all tries together add up to alpha. The first try has the most.
 */
export function alphaOfAttempt(alpha: number, attempt: number, triesMax: number): number {
  return (alpha * (triesMax + 1)) / (triesMax * attempt * (attempt + 1));
}

/**
 * Returns what logarithms of e-values must reach: rolling back is a union, so its streams share alpha; promotion is an
 * intersection, so each of its streams has all of it.
 */
export function thresholdsOf(alpha: number, rollbackStreams: number): Thresholds {
  return { rollbackLogE: Math.log(rollbackStreams / alpha), promoteLogE: -Math.log(alpha) };
}
