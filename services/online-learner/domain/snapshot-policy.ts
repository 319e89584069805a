/** Publishing takes at most this share of the learner's time. */
const PUBLISH_SHARE_MAX = 0.05;

/**
 * Returns how long to wait after a publication before the next, ms: the spec's least interval, and long enough that
 * publishing stays under 5 % of the time.
 *
 * @param costMs how long the last publication kept the learner busy, ms
 */
export function publishPauseMs(minIntervalMs: number, costMs: number): number {
  return Math.max(minIntervalMs, costMs / PUBLISH_SHARE_MAX - costMs);
}
