/** Runs that must fail one after the other before a version is scored no more. */
const FAILURES_MAX = 5;
/** For how long a version is left alone then, ms; after it one run decides anew. */
const PAUSE_MS = 10_000;

/** What keeps a version that fails again and again from costing every request its time. */
export interface Breaker {
  /** Failed runs since the last good one. */
  readonly failures: number;
  /** Until when nothing is run, by the monotonic clock, ms; 0 while runs are allowed. */
  readonly openUntilMs: number;
  /** What the last failure was, in words. */
  readonly reason: string;
}

/** A breaker of a version that has not failed. */
export const CLOSED_BREAKER: Breaker = { failures: 0, openUntilMs: 0, reason: '' };

/** Returns the breaker after a run, of which `failure` says what was wrong; undefined when nothing was. */
export function afterRun(breaker: Breaker, failure: string | undefined, monotonicMs: number): Breaker {
  if (failure === undefined) return CLOSED_BREAKER;
  const failures = Math.min(breaker.failures + 1, FAILURES_MAX);
  const openUntilMs = failures < FAILURES_MAX ? 0 : monotonicMs + PAUSE_MS;
  return { failures, openUntilMs, reason: failure };
}

/** Returns whether a version is left alone at the moment. */
export function isOpen({ openUntilMs }: Breaker, monotonicMs: number): boolean {
  return monotonicMs < openUntilMs;
}

/** Returns what an open breaker says to those who look at the router's status. */
export function breakerWords({ failures, reason }: Breaker): string {
  return `breaker: ${String(failures)} runs failed in a row: ${reason}`;
}
