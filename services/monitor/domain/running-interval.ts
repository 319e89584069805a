import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const AT = { count: 0, sum: 1, squares: 2 };

/** Growth of the epochs over which the boundary is stitched, and its exponent: Howard et al.'s own choice. */
const ETA = 2;
const EXPONENT = 1.4;
/** Riemann's zeta at 1.4. */
const ZETA = 3.105_547;
const K1 = (ETA ** 0.25 + ETA ** -0.25) / Math.SQRT2;
const K2 = (Math.sqrt(ETA) + 1) / 2;

/**
 * Returns a bound that a sub-gamma process of scale `scale` and variance `variance` ever crosses with probability of
 * at most `alpha`.
 */
function stitchedBound(variance: number, scale: number, alpha: number): number {
  const least = scale * scale; // below this much variance the bound is flat
  const epochs = Math.log2(Math.max(1, variance / least));
  const log = EXPONENT * Math.log(epochs + 1) + Math.log(ZETA / alpha);
  const linear = K2 * scale * log;
  return Math.sqrt(K1 * K1 * Math.max(variance, least) * log + linear * linear) + linear;
}

/**
 * The running mean of differences in [-bound, bound] with a confidence sequence: at all times together, with
 * probability of at least 1 − α, it covers the running mean of the conditional means, however they drift. The sum of
 * X_i less its conditional mean is sub-exponential with variance process Σ (X_i − mean of those before)² and scale 2
 * bound, and stays within a polynomially stitched boundary, α/2 on each side (Howard, Ramdas, McAuliffe & Sekhon,
 * Annals of Statistics 2021, theorems 1 and 4; used so by Choe & Ramdas 2021). It is for people to look at; decisions
 * come from the betting processes.
 */
export class RunningInterval {
  readonly #bound: number;
  readonly #state = new Float64Array(3);

  constructor(bound: number) {
    this.#bound = bound;
  }

  take(difference: number): void {
    const state = this.#state;
    const count = state[AT.count] ?? 0;
    const before = count === 0 ? 0 : (state[AT.sum] ?? 0) / count;
    const residual = difference - before;
    state[AT.count] = count + 1;
    state[AT.sum] = (state[AT.sum] ?? 0) + difference;
    state[AT.squares] = (state[AT.squares] ?? 0) + residual * residual;
  }

  get count(): number {
    return this.#state[AT.count] ?? 0;
  }

  /** Mean of all differences; null before the first. */
  get mean(): number | null {
    return this.count === 0 ? null : (this.#state[AT.sum] ?? 0) / this.count;
  }

  /** Returns the confidence sequence's value now; null before the first difference. */
  interval(alpha: number): readonly [number, number] | null {
    const { mean, count } = this;
    if (mean === null) return null;
    const radius = stitchedBound(this.#state[AT.squares] ?? 0, 2 * this.#bound, alpha / 2) / count;
    return [Math.max(-this.#bound, mean - radius), Math.min(this.#bound, mean + radius)];
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
