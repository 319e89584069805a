/** Below this size of a version's weights only full snapshots are sent, bytes. */
export const FULL_ONLY_BYTES = 256 * 1024;

/** Share of the full size above which a delta is replaced by a new full snapshot. */
const DELTA_SHARE_MAX = 0.25;

/** Publishing takes at most this share of the learner's time. */
const PUBLISH_SHARE_MAX = 0.05;

/** Bytes of one index and its weight in a delta. */
const DELTA_ENTRY_BYTES = 8;

/** What is known when a snapshot could be sent. */
export interface SnapshotSituation {
  /** Whether a full snapshot of this incarnation has been sent. */
  readonly hasFull: boolean;
  readonly weightBytes: number;
  /** Weights touched since the named full snapshot. */
  readonly touched: number;
}

/** Returns which kind of snapshot to send: a delta when it is much smaller than everything, else a full one. */
export function snapshotKind({ hasFull, weightBytes, touched }: SnapshotSituation): 'full' | 'delta' {
  if (!hasFull || weightBytes < FULL_ONLY_BYTES) return 'full';
  return touched * DELTA_ENTRY_BYTES > weightBytes * DELTA_SHARE_MAX ? 'full' : 'delta';
}

/**
 * Returns how long to wait after a publication before the next, ms: the spec's least interval, and long enough that
 * publishing stays under 5 % of the time.
 *
 * @param costMs how long the last publication kept the learner busy, ms
 */
export function publishPauseMs(minIntervalMs: number, costMs: number): number {
  return Math.max(minIntervalMs, costMs / PUBLISH_SHARE_MAX - costMs);
}
