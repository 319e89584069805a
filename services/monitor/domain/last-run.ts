import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const CANDIDATE = 0;
const BASELINE = 1;

/**
 * Tells the requests of one scoring run from those of the next. Routers score rows that are asked for together in one run,
 * and each says how long the run took: requests that follow each other with the same times of both versions are one run.
 * Counted one by one they would let a single pause of the machine look like twenty independent ones.
 */
export class LastRun {
  readonly #state = new Float64Array(2).fill(NaN);

  /** Returns whether a request with these scoring times, µs, begins another run than the request before. */
  isNew(candidateMicros: number, baselineMicros: number): boolean {
    const state = this.#state;
    const isSame = state[CANDIDATE] === candidateMicros && state[BASELINE] === baselineMicros;
    state[CANDIDATE] = candidateMicros;
    state[BASELINE] = baselineMicros;
    return !isSame;
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
