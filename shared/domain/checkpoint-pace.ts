/** The share of a thread's time that checkpoints may take. Socket work that cannot be measured gets the third percent. */
const BUSY_SHARE_MAX = 0.02;

/**
 * Returns how long to wait between the beginnings of two checkpoints, ms: the interval asked for, or longer where a large
 * state would make checkpoints take more than their share of the time.
 *
 * @param intervalMs what was asked for, ms
 * @param busyMs how long the last checkpoint kept the thread busy, ms
 */
export function checkpointPauseMs(intervalMs: number, busyMs: number): number {
  return Math.max(intervalMs, busyMs / BUSY_SHARE_MAX);
}
