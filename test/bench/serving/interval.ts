import { createRng } from '../../../shared/domain/rng.ts';
import { quantile } from '../../support/figures.ts';

const RESAMPLINGS = 500;
/** Of resamplings, left out below and above. */
const TAIL = 0.05;

/**
 * Returns between which two values a statistic of rounds lies in nine of ten resamplings of them (percentile bootstrap, Efron 1979).
 * The rounds are drawn whole, with replacement: what disturbs one round disturbs all that is compared in it.
 */
export function intervalOf<T>(
  rounds: readonly T[],
  statistic: (rounds: readonly T[]) => number,
): readonly [low: number, high: number] {
  const rng = createRng(1);
  const values = Float64Array.from({ length: RESAMPLINGS }, () =>
    statistic(
      rounds.flatMap(() => {
        const at = rng.int(rounds.length);
        return rounds.slice(at, at + 1);
      }),
    ),
  ).sort();
  return [quantile(values, TAIL), quantile(values, 1 - TAIL)];
}
