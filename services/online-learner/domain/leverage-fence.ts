/** How many times the usual leverage an example may have: twice what a weight of 1 and one of 1000, the most allowed, differ by. */
export const LEVERAGE_FACTOR_MAX = 2000;

/** Examples a version must have learned before its fence holds. */
export const LEVERAGE_COUNT_MIN = 100;

/** Share of the newest example in the mean: half of it is of the last 10,000. */
export const FENCE_SMOOTHING = 1 - 2 ** (-1 / 10_000);

/**
 * Returns the largest leverage that a version learns now; Infinity before `LEVERAGE_COUNT_MIN` examples.
 *
 * The fence is against examples that would move a version far more than any it has learned. Leverage is event weight ×
 * Euclidean norm of the encoded row: the most that the gradient of the log-loss can be, whatever the label. How wrong the
 * prediction was is left out on purpose: a surprise is what there is to learn from. The usual leverage is the root of an
 * exponentially forgetting mean square over the examples the version itself has learned, so the fence follows a stream whose
 * weights or values grow, by a factor of at most 2000 at a time. Weights of 0 teach nothing and count for nothing.
 *
 * @param state mean square of the leverage, examples
 */
export function leverageLimit(state: Float64Array): number {
  const [meanSquare = 0, count = 0] = state;
  return count < LEVERAGE_COUNT_MIN ? Infinity : LEVERAGE_FACTOR_MAX * Math.sqrt(meanSquare);
}
