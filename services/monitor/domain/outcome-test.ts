import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const GRID = 32;
const STEPS_PER_DECADE = 16;

const AT = { candidate: 0, stable: 1, logMax: 2 };
const GRID_AT = 3;

function logMean(logs: Float64Array): number {
  const high = logs.reduce((most, log) => Math.max(most, log), -Infinity);
  let sum = 0;
  for (const log of logs) sum += Math.exp(log - high);
  return high + Math.log(sum / logs.length);
}

/**
 * An e-process for outcomes that only the answer given can have, such as complaints: the one-sided grid form of
 * Lindon & Malek (NeurIPS 2022, arXiv 2011.03567). H0: whenever a bad outcome comes, the odds that its subject is the
 * candidate's are at most r0 = 1 + margin times the odds of its assignment. At each bad outcome, with ρ the
 * probability of the assignment to the candidate and θ(r) = ρ r / (1 − ρ + ρ r), the likelihood of each rate ratio
 * r_k = r0 10^(k/16), k = 1 … 32, grows by its ratio to that of r0; the e-value is their mean. For a true ratio r ≤
 * r0 each factor's mean is linear and rising in θ(r) and 1 at r0, so it is at most 1. What is compared are rates of
 * bad outcomes, not their odds.
 */
export class OutcomeTest {
  readonly #r0: number;
  /** Subjects with a bad outcome: the candidate's, stable's; the highest logarithm; the grid's logarithms. */
  readonly #state = new Float64Array(GRID_AT + GRID);
  readonly #grid: Float64Array;

  /** @param marginRate how much larger the candidate's rate may be, a factor less one, above 0 */
  constructor(marginRate: number) {
    if (!(marginRate > 0)) throw new RangeError(`margin of outcomes ${String(marginRate)}, allowed above 0`);
    this.#r0 = 1 + marginRate;
    this.#grid = this.#state.subarray(GRID_AT);
  }

  /**
   * Takes a bad outcome.
   *
   * @param probability that its subject was assigned to the candidate, known before the outcome, (0, 1)
   */
  take(isCandidate: boolean, probability: number): void {
    const state = this.#state;
    const at = isCandidate ? AT.candidate : AT.stable;
    state[at] = (state[at] ?? 0) + 1;
    const odds = 1 - probability + probability * this.#r0;
    for (let k = 1; k <= GRID; k += 1) {
      const factor = 10 ** (k / STEPS_PER_DECADE);
      const logOdds = Math.log(odds / (1 - probability + probability * this.#r0 * factor));
      const gain = isCandidate ? Math.log(factor) + logOdds : logOdds;
      this.#grid[k - 1] = (this.#grid[k - 1] ?? 0) + gain;
    }
    state[AT.logMax] = Math.max(state[AT.logMax] ?? 0, this.logE);
  }

  /** Natural logarithm of the e-value now. */
  get logE(): number {
    return logMean(this.#grid);
  }

  /** The highest so far. */
  get maxLogE(): number {
    return this.#state[AT.logMax] ?? 0;
  }

  /** Subjects with a bad outcome, by the arm they were assigned to. */
  get counts(): { readonly candidate: number; readonly stable: number } {
    return { candidate: this.#state[AT.candidate] ?? 0, stable: this.#state[AT.stable] ?? 0 };
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
