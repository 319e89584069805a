import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';
import { quantileOf } from './last-window.ts';

const WINDOW = 1000;
/** The first window is shorter, so that the guard soon begins. */
const FIRST_WINDOW = 200;
/** Differences below this are noise of timers and caches, µs. */
const NOISE_MICROS = 100;
const COUNT = 0;
const THRESHOLD = 1;
const FIRST = 2;

/**
 * How slow is slow: a tenth of a millisecond above the 99th percentile of the baseline's scoring times in the
 * previous window of 1,000 requests (the first has 200), µs. It is known before the requests it is held against.
 */
export class SlownessThreshold {
  readonly #state = new Float64Array(FIRST + WINDOW);

  /** Takes one scoring time of the baseline, µs, 0 …. */
  take(micros: number): void {
    const state = this.#state;
    const count = state[COUNT] ?? 0;
    state[FIRST + count] = micros;
    state[COUNT] = count + 1;
    const window = state[THRESHOLD] === 0 ? FIRST_WINDOW : WINDOW;
    if (count + 1 < window) return;
    state[THRESHOLD] = NOISE_MICROS + (quantileOf(state.subarray(FIRST, FIRST + window), 0.99) ?? 0);
    state[COUNT] = 0;
  }

  /** The threshold, µs; null before the first window is full. */
  get micros(): number | null {
    const micros = this.#state[THRESHOLD] ?? 0; // never 0 once it is known
    return micros === 0 ? null : micros;
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
