import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';

/**
 * Expresses every z anew where α, β, L1 or L2 differ, so that the weights, and so every prediction, stay what they are under the
 * new rates.
 *
 * @param weights the last one is the bias, which is not L1-regularised
 * @param sums pairs z, n, one a weight
 */
export function expressAnew(
  weights: Float32Array,
  sums: Float32Array,
  from: FtrlLogisticConfig,
  to: FtrlLogisticConfig,
): void {
  if (hasSameRates(from, to)) return;
  const { alpha, beta, l1, l2 } = to;
  const bias = weights.length - 1;
  for (let i = 0; i < weights.length; i++) {
    const weight = weights[i] ?? 0;
    if (weight === 0) {
      // Within ±L1 z says how near the coordinate is to being used; the same share of the new threshold is kept.
      sums[2 * i] = i === bias || from.l1 === 0 ? 0 : (sums[2 * i] ?? 0) * (l1 / from.l1);
      continue;
    }
    const penalty = i === bias ? 0 : Math.sign(weight) * l1;
    sums[2 * i] = -weight * ((beta + Math.sqrt(sums[2 * i + 1] ?? 0)) / alpha + l2) - penalty;
  }
}

function hasSameRates(a: FtrlLogisticConfig, b: FtrlLogisticConfig): boolean {
  return a.alpha === b.alpha && a.beta === b.beta && a.l1 === b.l1 && a.l2 === b.l2;
}
