import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

/** How many times the usual leverage an example may have: twice what a weight of 1 and one of 1000, the most allowed, differ by. */
export const LEVERAGE_FACTOR_MAX = 2000;

/** Examples a version must have learned before its fence holds. */
export const LEVERAGE_COUNT_MIN = 100;

/** Share of the newest example in the mean: half of it is of the last 10,000. */
const SMOOTHING = 1 - 2 ** (-1 / 10_000);

const MEAN_SQUARE = 0;
const COUNT = 1;

/**
 * The fence against examples that would move a version far more than any it has learned. Leverage is event weight × Euclidean
 * norm of the encoded row: the most that the gradient of the log-loss can be, whatever the label. How wrong the prediction
 * was is left out on purpose: a surprise is what there is to learn from. The usual leverage is the root of an exponentially
 * forgetting mean square over the examples the version itself has learned, so the fence follows a stream whose weights or
 * values grow, by a factor of at most 2000 at a time.
 */
export class LeverageFence {
  readonly #state = new Float64Array(2);

  /** The largest leverage that is learned now; Infinity before `LEVERAGE_COUNT_MIN` examples. */
  get limit(): number {
    if ((this.#state[COUNT] ?? 0) < LEVERAGE_COUNT_MIN) return Infinity;
    return LEVERAGE_FACTOR_MAX * Math.sqrt(this.#state[MEAN_SQUARE] ?? 0);
  }

  /** Returns why an example must not be learned, or undefined when it may be. */
  screen(weight: number, squaredNorm: number): string | undefined {
    const square = weight * weight * squaredNorm;
    const { limit } = this;
    if (square <= limit * limit) return undefined;
    const is = `weight ${String(weight)} gives it leverage ${Math.sqrt(square).toPrecision(4)}`;
    return `${is}, allowed ${limit.toPrecision(4)}, ${String(LEVERAGE_FACTOR_MAX)} times the usual`;
  }

  /** Takes the leverage of an example that was learned. Weights of 0 teach nothing and count for nothing. */
  learn(weight: number, squaredNorm: number): void {
    if (weight === 0) return;
    const count = (this.#state[COUNT] ?? 0) + 1;
    const square = weight * weight * squaredNorm;
    const mean = this.#state[MEAN_SQUARE] ?? 0;
    this.#state[COUNT] = count;
    this.#state[MEAN_SQUARE] = mean + Math.max(SMOOTHING, 1 / count) * (square - mean);
  }

  /** Returns the state as live little-endian bytes: mean square of the leverage, examples. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }
}
