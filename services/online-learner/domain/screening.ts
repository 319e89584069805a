import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import type { NumericScaler } from './numeric-scaler.ts';

/**
 * What an example that is not learned was past: `target`, label or weight is none; `value`, a numeric value far from all that the
 * feature has had; `leverage`, it would move the version far more than any example before; `update`, the step would not be finite.
 */
export const FENCES = ['target', 'value', 'leverage', 'update'] as const;

/** One of FENCES. */
export type Fence = (typeof FENCES)[number];

/** Beyond this no numeric value is ever learned. */
export const MAGNITUDE_MAX = 1e15;

/** Values a feature must have had before its fence holds. */
export const FENCE_COUNT_MIN = 100;

/** Default distance from the mean beyond which a value is not learned, standard deviations. */
export const FENCE_DEFAULT_SD = 100;

/**
 * Returns why an example must not be learned, with feature, value and limit, or undefined when it may be. A feature that
 * has been constant so far has no fence. Allocates only for a reason.
 *
 * @param fenceSd distance from the mean that is still allowed, standard deviations
 */
export function screenRow(
  row: HashedRow,
  features: readonly FeatureSpec[],
  scaler: NumericScaler,
  fenceSd: number,
): string | undefined {
  const { columns, scaling } = scaler;
  for (let j = 0; j < columns.length; j++) {
    const column = columns[j] ?? 0;
    if (row.present[column] !== 1) continue;
    const value = row.numbers[column] ?? 0;
    if (!(Math.abs(value) <= MAGNITUDE_MAX)) {
      return `feature ${features[column]?.name ?? ''}: value ${String(value)}, allowed up to ±${String(MAGNITUDE_MAX)}`;
    }
    if (scaler.countOf(j) < FENCE_COUNT_MIN) continue;
    const deviations = Math.abs(value - (scaling.means[j] ?? 0)) * (scaling.invStds[j] ?? 0);
    if (deviations > fenceSd) {
      const away = `${deviations.toPrecision(3)} standard deviations from the mean`;
      return `feature ${features[column]?.name ?? ''}: value ${String(value)} is ${away}, allowed ${String(fenceSd)}`;
    }
  }
  return undefined;
}

/** Returns why a label and weight must not be learned, or undefined when they may be: label 0 or 1, weight finite and ≥ 0. */
export function screenTarget(label: number, weight: number): string | undefined {
  if (label !== 0 && label !== 1) return `label ${String(label)}, allowed 0 or 1`;
  if (weight >= 0 && weight < Infinity) return undefined;
  return `weight ${String(weight)}, allowed a finite number of 0 or more`;
}
