import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const RUNS = 32;
const AT = 0;
const FIRST = 1;

/**
 * The scoring runs that failed lately: rows of one run fail together when it throws or is late, so that a pause of a
 * machine would look like as many independent failures as rows had come together. Predictions of several routers
 * come mixed, which is why more than the last one is known.
 */
export class RecentRuns {
  readonly #state = new Float64Array(FIRST + RUNS);

  /** Returns whether a run, a whole number above 0, is none of those that were told before; an unknown one always is. */
  isNew(run: number | undefined): boolean {
    if (run === undefined) return true;
    const state = this.#state;
    if (state.indexOf(run, FIRST) >= 0) return false;
    const next = state[AT] ?? 0;
    state[FIRST + next] = run;
    state[AT] = (next + 1) % RUNS;
    return true;
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }
}
