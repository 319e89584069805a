import type { Routing } from './routing.ts';

/** What readiness needs. */
export interface ReadinessDeps {
  readonly routing: Pick<Routing, 'waitsFor'>;
  readonly monotonicMs: () => number;
  /** Resolves after a pause, ms. */
  readonly pause: (ms: number) => Promise<unknown>;
  readonly isStopping: () => boolean;
}

/** Whether the router can answer. */
export interface Readiness {
  /**
   * Returns what the router waits for at its start; empty from when it was ready first. Later a model that cannot answer is that
   * model's trouble, not every model's.
   */
  readonly waitsFor: () => readonly string[];
  /**
   * Resolves when the router can answer, or when the grace is over, ms. Until then its port is closed: a client whose connection
   * is refused goes to another router, one that is answered 503 may not.
   */
  untilReady(graceMs: number): Promise<void>;
}

const LOOK_MS = 20;

/** Returns the readiness of a router that has just begun. */
export function createReadiness({ routing, monotonicMs, pause, isStopping }: ReadinessDeps): Readiness {
  let hasBeenReady = false;

  function waitsFor(): readonly string[] {
    if (isStopping()) return ['stopping'];
    if (hasBeenReady) return [];
    const missing = routing.waitsFor();
    hasBeenReady = missing.length === 0;
    return missing;
  }

  return {
    waitsFor,
    async untilReady(graceMs) {
      const deadlineMs = monotonicMs() + graceMs;
      while (waitsFor().length > 0 && monotonicMs() < deadlineMs && !isStopping()) await pause(LOOK_MS);
    },
  };
}
