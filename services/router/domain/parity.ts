/** How far a score of ours may be from the learner's own: it adds in float64, we in float32. */
export const PARITY_TOLERANCE = 1e-4;

/**
 * Returns the first way in which scores of the golden rows differ from the learner's own, or undefined when all agree. No
 * rows at all prove nothing, and NaN agrees with nothing.
 */
export function parityFault(scores: ArrayLike<number>, goldenScores: readonly number[]): string | undefined {
  if (goldenScores.length === 0) return 'the snapshot has no golden rows';
  if (scores.length !== goldenScores.length) {
    return `${String(goldenScores.length)} golden scores for ${String(scores.length)} rows`;
  }
  for (const [row, golden] of goldenScores.entries()) {
    const score = scores[row] ?? NaN;
    if (Math.abs(score - golden) <= PARITY_TOLERANCE) continue;
    return `golden row ${String(row)} scores ${String(score)}, the learner says ${String(golden)}, allowed ± ${String(PARITY_TOLERANCE)}`;
  }
  return undefined;
}
