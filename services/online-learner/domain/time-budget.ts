/** Measures what versions take for some of the events. */
export interface StepTimer {
  /** Returns whether one of the next events, which are applied together, is to be measured. */
  wants(events: number): boolean;
  /** Monotonic clock, ms. */
  nowMs(): number;
  /** Takes how long a version took for an event, on average of those applied together. */
  took(version: number, ms: number): void;
}

/** One event in so many is measured: measuring all of them would cost as much as learning them. */
const SAMPLE_EVERY = 16;

/** So many measured events in a row past the budget are no accident of the machine. */
const OVER_IN_A_ROW = 20;

/**
 * Finds versions that take too long for an event: of every 16th event the time of each version's step is measured; one that
 * is over the budget for 20 measured events in a row has exceeded it. A pause of the machine spoils a few samples, not twenty.
 */
export class TimeBudget implements StepTimer {
  readonly #budgetMicros: number;
  readonly #nowMs: () => number;
  readonly #overInARow = new Map<number, number>();
  #events = 0;

  /**
   * @param budgetMicros the most a version may take for one event, µs
   * @param nowMs monotonic clock, ms
   */
  constructor(budgetMicros: number, nowMs: () => number) {
    this.#budgetMicros = budgetMicros;
    this.#nowMs = nowMs;
  }

  wants(events: number): boolean {
    this.#events += events;
    if (this.#events < SAMPLE_EVERY) return false;
    this.#events %= SAMPLE_EVERY;
    return true;
  }

  nowMs(): number {
    return this.#nowMs();
  }

  took(version: number, ms: number): void {
    const isOver = ms * 1000 > this.#budgetMicros;
    this.#overInARow.set(version, isOver ? (this.#overInARow.get(version) ?? 0) + 1 : 0);
  }

  /** Returns the versions that have exceeded their budget and forgets what was measured of them. */
  takeExceeded(): readonly number[] {
    const exceeded = [...this.#overInARow].filter(([, count]) => count >= OVER_IN_A_ROW);
    for (const [version] of exceeded) this.#overInARow.delete(version);
    return exceeded.map(([version]) => version);
  }
}
