/** Half-life of the recent loss, examples (`ProgressiveMetrics`). */
const HALF_LIFE_EXAMPLES = 10_000;
/** Examples that a mean with that half-life is worth: (1 + λ) / (1 − λ) with λ = 2^(−1 / half-life). */
const EXAMPLES_WORTH = (2 / Math.LN2) * HALF_LIFE_EXAMPLES;
const BATCH_EXAMPLES_MIN = 20;
/** Eight batches, of which the first ones are a little forgotten. */
const BATCHES_MIN = 7.5;
/** What a batch counts for, one batch later. */
const FORGETTING = 0.99;

/**
 * The standard error of a recent mean loss, from the means of batches (non-overlapping batch means; Schmeiser 1982): batches of
 * n examples with mean m scatter about their common mean by σ²/n, also where neighbouring losses are alike. It is for looking,
 * pointwise and approximate; verdicts never use it.
 */
export class LossBand {
  #before: { readonly examples: number; readonly lossSum: number } | undefined;
  #batches = 0;
  #examples = 0;
  #sum = 0;
  #squares = 0;

  /**
   * Takes cumulative sums and returns the standard error of the recent mean, nats; NaN until enough batches have come.
   *
   * @param examples learned so far
   * @param lossSum their losses added up, nats
   */
  take(examples: number, lossSum: number): number {
    const before = (this.#before ??= { examples, lossSum });
    const count = examples - before.examples;
    if (count >= BATCH_EXAMPLES_MIN) {
      const mean = (lossSum - before.lossSum) / count;
      this.#batches = this.#batches * FORGETTING + 1;
      this.#examples = this.#examples * FORGETTING + count;
      this.#sum = this.#sum * FORGETTING + count * mean;
      this.#squares = this.#squares * FORGETTING + count * mean * mean;
      this.#before = { examples, lossSum };
    }
    if (this.#batches < BATCHES_MIN) return NaN;
    const scatter = Math.max(0, this.#squares - (this.#sum * this.#sum) / this.#examples);
    const variance = scatter / (this.#batches - 1);
    return Math.sqrt(variance / Math.max(1, Math.min(examples, EXAMPLES_WORTH)));
  }
}

/** A mean over examples of which the older count less, by the half-life of the recent loss. */
export class RecentMean {
  #examples: number | undefined;
  #sum = 0;
  #mean = NaN;

  /** Takes a cumulative count and sum and returns the recent mean; the first one begins with the mean of everything. */
  take(examples: number, sum: number): number {
    const count = examples - (this.#examples ?? 0);
    if (count > 0) {
      const mean = (sum - this.#sum) / count;
      const kept = this.#examples === undefined ? 0 : 0.5 ** (count / HALF_LIFE_EXAMPLES);
      // Young means are means of everything: what has been seen weighs no more than its own number.
      const share = Math.max(1 - kept, count / examples);
      this.#mean = Number.isNaN(this.#mean) ? mean : this.#mean + share * (mean - this.#mean);
      this.#examples = examples;
      this.#sum = sum;
    }
    return this.#mean;
  }
}
