import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const SUM = 0;
const COUNT = 1;

/** Rows of which a run is believed at most: runs that happen to take the same times are told apart at last. */
const RUN_ROWS_MAX = 64;

/**
 * Differences of failing, gathered by scoring run. Rows that are scored in one run fail together when it throws or is
 * late: after the first of them the others are no news. So a run is one difference, the mean over its rows.
 */
export class RunFailures {
  readonly #state = new Float64Array(2);

  /** Takes the difference of one row and returns that of the run before, when this row begins another. */
  take(difference: number, isNewRun: boolean): number | undefined {
    const state = this.#state;
    const count = state[COUNT] ?? 0;
    const isOver = count > 0 && (isNewRun || count === RUN_ROWS_MAX);
    const mean = isOver ? (state[SUM] ?? 0) / count : undefined;
    state[SUM] = (isOver ? 0 : (state[SUM] ?? 0)) + difference;
    state[COUNT] = (isOver ? 0 : count) + 1;
    return mean;
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
