import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';
import type { SoundPair } from './differences.ts';

const HALF_LIFE = 300;
const KEPT = 2 ** (-1 / HALF_LIFE);
/** A bias must be this far on the other side before its sign changes: labels that take turns do not turn it. */
const DEAD_ZONE = 0.005;
const CANDIDATE = { bias: 0, sign: 1 };
const BASELINE = { bias: 2, sign: 3 };

/**
 * Compares calibration by bias, the mean of p − y: with s the sign of each version's bias on what came before
 * (half-life 300 pairs), the difference s_c (p_c − y) − s_b (p_b − y) in [-2, 2] has the mean |bias_c| − |bias_b|
 * where the signs are right. A wrong sign of the candidate makes it smaller; one of the baseline makes it larger by 2
 * |bias_b|, and is wrong only where that is within 0.01 or lost in the noise.
 */
export class BiasSigns {
  readonly #state = Float64Array.of(0, 1, 0, 1);

  /** Takes a pair and returns its difference, with the signs known before it. */
  take({ candidate, baseline, label }: SoundPair): number {
    return this.#signed(CANDIDATE, candidate - label) - this.#signed(BASELINE, baseline - label);
  }

  /** Returns the error with the version's sign, and learns from the error. */
  #signed(at: typeof CANDIDATE, error: number): number {
    const state = this.#state;
    const sign = state[at.sign] ?? 1;
    const bias = KEPT * (state[at.bias] ?? 0) + (1 - KEPT) * error;
    state[at.bias] = bias;
    if (bias * sign < -DEAD_ZONE) state[at.sign] = -sign;
    return sign * error;
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
