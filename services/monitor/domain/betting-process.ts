import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

/** Examples after which what was seen counts half in the choice of the bets. */
const HALF_LIFE = 300;
const KEPT = 2 ** (-1 / HALF_LIFE);

/** A bet never risks more than this share of what it may: the worst outcome leaves 2 % of the stake. */
const BET_SHARE_MAX = 0.98;

/** Share of the capital that is not staked at the start but put in little by little. */
const PURSE = 0.1;

/** The purse opens every so many examples. */
const PURSE_EVERY = 64;

const AT = { count: 0, weight: 1, sum: 2, squares: 3, logStake: 4, logMax: 5, growth: 6, purse: 7 };
const SIZE = 8;

/** Variance of X that is believed before the first example, with the weight of one. */
const PRIOR_VARIANCE = 1 / 4;

/** What a process tests. */
export interface BettingHypothesis {
  /** Differences are at most this; what lies beyond is taken at the bound. */
  readonly bound: number;
  /** Differences are at least this, which limits what a bet risks; default -bound. */
  readonly low?: number;
  /** H0: given the past, the mean of the next difference is never above this, (low, bound). */
  readonly margin: number;
}

/** Returns the logarithm of the sum of two numbers whose logarithms these are. */
export function logSum(a: number, b: number): number {
  const high = Math.max(a, b);
  return high === -Infinity ? high : high + Math.log1p(Math.exp(Math.min(a, b) - high));
}

/** What is left in the purse after it was opened so often. */
function purseAfter(openings: number): number {
  return PURSE / Math.log2(openings + 2);
}

/**
 * An e-process by betting (Waudby-Smith & Ramdas, JRSS-B 2024, sections 4 and B.3) for H0 "given the past, the mean
 * of D is never above the margin". With X = (D − low) / (B − low) and m the margin on that scale the stake is
 * multiplied by 1 + λ (X − m), where λ = clamp((μ − m) / (v + (μ − m)²), 0, 0.98 / m) comes from what was seen before (aGRAPA). Under H0
 * the factor's mean is at most 1, so the capital is a supermartingale that starts at 1 and ever reaches 1/α with
 * probability of at most α (Ville).
 *
 * Two things differ from the paper. The moments forget with a half-life of 300 examples, so that a candidate is not
 * judged by what it was long ago: any λ that is known before X is allowed. And a tenth of the capital is kept in a
 * purse and staked bit by bit: a stake that was lost in a long quiet time cannot hold up the alarm when the candidate
 * turns, because the logarithm of the capital never falls below about −(2 log log n + log n). Stakes that are put in
 * do not change the sum of stake and purse, which remains a supermartingale. The price is 0.1 in the logarithm at the
 * start.
 */
export class BettingProcess {
  readonly #bound: number;
  readonly #low: number;
  readonly #m: number;
  readonly #state = new Float64Array(SIZE);

  constructor({ bound, low = -bound, margin }: BettingHypothesis) {
    if (!(low < 0 && bound > 0 && margin > low && margin < bound)) {
      const found = `margin ${String(margin)}, bound ${String(bound)}, low ${String(low)}`;
      throw new RangeError(`testing a mean: ${found}, allowed low < margin < bound, low < 0 < bound`);
    }
    this.#bound = bound;
    this.#low = low;
    this.#m = (margin - low) / (bound - low);
    const state = this.#state;
    state[AT.weight] = 1;
    state[AT.sum] = -low / (bound - low); // one difference of 0 is believed before the first
    state[AT.squares] = PRIOR_VARIANCE;
    state[AT.purse] = purseAfter(0);
    state[AT.logStake] = Math.log1p(-PURSE);
  }

  /** Takes one difference. A few logarithms; no allocation. */
  take(difference: number): void {
    const state = this.#state;
    const m = this.#m;
    const low = this.#low;
    const x = (Math.min(this.#bound, Math.max(low, difference)) - low) / (this.#bound - low);
    const weight = state[AT.weight] ?? 0;
    const mean = (state[AT.sum] ?? 0) / weight;
    const edge = mean - m;
    let gain = 0;
    if (edge > 0) {
      const bet = edge / ((state[AT.squares] ?? 0) / weight + edge * edge);
      gain = Math.log1p(Math.min(bet, BET_SHARE_MAX / m) * (x - m));
    }
    const count = (state[AT.count] = (state[AT.count] ?? 0) + 1);
    if (count % PURSE_EVERY === 0) this.#openPurse(count / PURSE_EVERY);
    const logStake = (state[AT.logStake] = (state[AT.logStake] ?? 0) + gain);
    const logMax = state[AT.logMax] ?? 0;
    if (logStake > logMax - 2 * PURSE) state[AT.logMax] = Math.max(logMax, this.logE);
    state[AT.growth] = (state[AT.growth] ?? 0) * KEPT + gain * (1 - KEPT);
    const sum = (state[AT.sum] = KEPT * (state[AT.sum] ?? 0) + x);
    const newWeight = (state[AT.weight] = KEPT * weight + 1);
    const residual = x - sum / newWeight;
    state[AT.squares] = KEPT * (state[AT.squares] ?? 0) + residual * residual;
  }

  /** Natural logarithm of the e-value now. */
  get logE(): number {
    return logSum(this.#state[AT.logStake] ?? 0, Math.log(this.#state[AT.purse] ?? 0));
  }

  /** The highest so far, which is what a threshold is held against: "ever reached" is what Ville's inequality bounds. */
  get maxLogE(): number {
    return this.#state[AT.logMax] ?? 0;
  }

  /** Recent mean growth of the logarithm an example, half-life 300 examples. */
  get growthPerExample(): number {
    const { count, growth } = AT;
    const seen = 1 - KEPT ** (this.#state[count] ?? 0);
    return seen === 0 ? 0 : (this.#state[growth] ?? 0) / seen;
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }

  #openPurse(openings: number): void {
    const state = this.#state;
    const left = purseAfter(openings);
    state[AT.logStake] = logSum(state[AT.logStake] ?? 0, Math.log((state[AT.purse] ?? 0) - left));
    state[AT.purse] = left;
  }
}
