import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const WINDOW_MAX = 500;
const WINDOW_MIN = 50;
const AT = { count: 0, inWindow: 1, sum: 2, squares: 3, mean: 4, variance: 5, windows: 6, isWarm: 7 };

/** When a candidate is warm. */
export interface WarmingRule {
  /** Pairs it must have been scored on. */
  readonly examplesMin: number;
  /** What a loss may still fall by from window to window, nats. */
  readonly marginNats: number;
}

/**
 * Tells when a candidate that did not begin as a copy has learned enough to be judged: it was scored on the minimum
 * of pairs, and its loss is flat. Flat: from one window to the next (a quarter of the minimum, 50 … 500 pairs) the
 * mean difference of the loss to the baseline's fell by no more than the margin, or than two standard errors of that
 * fall where this is more. Being compared with the baseline, it does not take a change of the world for learning.
 * Once warm, always warm.
 */
export class Warming {
  readonly #rule: WarmingRule;
  readonly #window: number;
  readonly #state = new Float64Array(8);

  constructor(rule: WarmingRule, isWarm: boolean) {
    this.#rule = rule;
    this.#window = Math.min(WINDOW_MAX, Math.max(WINDOW_MIN, Math.floor(rule.examplesMin / 4)));
    this.#state[AT.isWarm] = Number(isWarm);
  }

  get isWarm(): boolean {
    return this.#state[AT.isWarm] === 1;
  }

  /** Pairs taken while it warmed. */
  get count(): number {
    return this.#state[AT.count] ?? 0;
  }

  /** Takes the difference of the losses of one pair, nats. */
  take(lossDifference: number): void {
    const state = this.#state;
    state[AT.count] = this.count + 1;
    state[AT.sum] = (state[AT.sum] ?? 0) + lossDifference;
    state[AT.squares] = (state[AT.squares] ?? 0) + lossDifference * lossDifference;
    const inWindow = (state[AT.inWindow] = (state[AT.inWindow] ?? 0) + 1);
    if (inWindow === this.#window) this.#closeWindow();
  }

  #closeWindow(): void {
    const state = this.#state;
    const mean = (state[AT.sum] ?? 0) / this.#window;
    const variance = Math.max(0, (state[AT.squares] ?? 0) / this.#window - mean * mean);
    const fall = (state[AT.mean] ?? 0) - mean;
    const standardError = Math.sqrt((variance + (state[AT.variance] ?? 0)) / this.#window);
    const isFlat = (state[AT.windows] ?? 0) > 0 && fall <= Math.max(this.#rule.marginNats, 2 * standardError);
    if (isFlat && this.count >= this.#rule.examplesMin) state[AT.isWarm] = 1;
    state[AT.mean] = mean;
    state[AT.variance] = variance;
    state[AT.windows] = (state[AT.windows] ?? 0) + 1;
    state[AT.inWindow] = state[AT.sum] = state[AT.squares] = 0;
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
