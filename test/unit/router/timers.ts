/** Timers that a test lets run out. */
export interface Timers {
  readonly after: (ms: number, work: () => void) => () => void;
  /** Runs everything that is due after some time and was not cancelled. */
  runOut(ms: number): void;
}

/** Returns timers of which none runs out by itself. */
export function createTimers(): Timers {
  const set = new Set<{ readonly ms: number; readonly work: () => void }>();
  return {
    after(ms, work) {
      const timer = { ms, work };
      set.add(timer);
      return () => {
        set.delete(timer);
      };
    },
    runOut(ms) {
      for (const timer of [...set].filter((one) => one.ms <= ms)) {
        set.delete(timer);
        timer.work();
      }
    },
  };
}
