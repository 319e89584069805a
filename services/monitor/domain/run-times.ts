import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const AT = { candidate: 0, baseline: 1 };

/**
 * Tells requests apart by the runs that scored them. A router scores the requests of one turn in one run of each version and
 * logs the run's time, to the microsecond, with each of them, one after the other: two neighbours with the same pair of times
 * are of the same runs. Two runs that by chance took the same times count once, whichever version is slower.
 */
export class RunTimes {
  /** Times of the newest pair of runs, µs; -1 for unknown. */
  readonly #state = new Float64Array(2).fill(-1);

  /** Takes the times of the next request and returns whether it is of other runs than the one before. Unknown times always are. */
  take(candidateMicros: number, baselineMicros: number): boolean {
    const state = this.#state;
    const isSame = state[AT.candidate] === candidateMicros && state[AT.baseline] === baselineMicros;
    state[AT.candidate] = candidateMicros;
    state[AT.baseline] = baselineMicros;
    return !isSame || candidateMicros < 0 || baselineMicros < 0;
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
