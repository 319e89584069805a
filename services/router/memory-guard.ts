import { bytesTaken, memoryFault } from './domain/run-memory.ts';
import type { MemoryCount } from './domain/run-memory.ts';

/** What the guard of one version needs. */
export interface MemoryGuardDeps {
  /** The most that one run may take, bytes. */
  readonly limitBytes: number;
  readonly count: () => MemoryCount;
  readonly monotonicMs: () => number;
}

/** Tells which runs of one version took too much memory. */
export interface MemoryGuard {
  /**
   * Does the work and returns what it returned, and what was wrong: it took more than the limit, or nobody knows what it took and
   * the one measured before had taken too much. Not every run of a busy version is measured, but each is after one that was wrong.
   */
  watch<T>(work: () => T): { readonly result: T; readonly fault: string | undefined };
}

/** Counting costs as much as scoring a few rows, so a version is measured this often, ms. */
const MEASURE_EVERY_MS = 10;

/** Returns the guard of a version that has not run. */
export function createMemoryGuard({ limitBytes, count, monotonicMs }: MemoryGuardDeps): MemoryGuard {
  let fault: string | undefined;
  let measuredMs = -Infinity;
  return {
    watch(work) {
      const nowMs = monotonicMs();
      if (fault === undefined && nowMs - measuredMs < MEASURE_EVERY_MS)
        return { result: work(), fault: undefined };
      measuredMs = nowMs;
      const before = count();
      const result = work();
      const taken = bytesTaken(before, count());
      if (taken !== undefined) fault = memoryFault(taken, limitBytes);
      return { result, fault };
    },
  };
}
