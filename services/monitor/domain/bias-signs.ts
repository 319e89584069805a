import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';
import type { SoundPair } from './differences.ts';

const HALF_LIFE = 300;
const KEPT = 2 ** (-1 / HALF_LIFE);
const CANDIDATE = 0;
const BASELINE = 1;

/**
 * Compares calibration by bias, the mean of p − y: with s the sign of each version's bias on what came before (half-life 300
 * pairs), the difference s_c (p_c − y) − s_b (p_b − y) in [-2, 2] has the mean |bias_c| − |bias_b| where the signs are right. A wrong
 * sign of the candidate makes it smaller; one of the baseline makes it larger by at most 2 |bias_b|, and is wrong only where that is lost in
 * the noise.
 */
export class BiasSigns {
  readonly #biases = new Float64Array(2);

  /** Takes a pair and returns its difference, with the signs known before it. */
  take({ candidate, baseline, label }: SoundPair): number {
    const biases = this.#biases;
    const sign = (at: number): number => ((biases[at] ?? 0) < 0 ? -1 : 1);
    const difference = sign(CANDIDATE) * (candidate - label) - sign(BASELINE) * (baseline - label);
    biases[CANDIDATE] = KEPT * (biases[CANDIDATE] ?? 0) + (1 - KEPT) * (candidate - label);
    biases[BASELINE] = KEPT * (biases[BASELINE] ?? 0) + (1 - KEPT) * (baseline - label);
    return difference;
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#biases);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#biases, bytes, name);
  }
}
