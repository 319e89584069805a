import { LEVERAGE_FACTOR_MAX } from './leverage-fence.ts';

/**
 * What an example that is not learned was past: `target`, label or weight is none; `value`, a numeric value far from all that the
 * feature has had; `leverage`, it would move the version far more than any example before; `update`, the step would not be finite.
 */
export const FENCES = ['target', 'value', 'leverage', 'update'] as const;

/** One of FENCES. */
export type Fence = (typeof FENCES)[number];

/** Beyond this no numeric value is ever learned. */
export const MAGNITUDE_MAX = 1e15;

/** Values a feature must have had before its fence holds. A feature that has been constant so far has no fence. */
export const FENCE_COUNT_MIN = 100;

/** Distance from the mean beyond which a value is not learned, standard deviations. */
export const FENCE_SD = 100;

/** Returns why a label and weight must not be learned, or undefined when they may be: label 0 or 1, weight finite and ≥ 0. */
export function screenTarget(label: number, weight: number): string | undefined {
  if (label !== 0 && label !== 1) return `label ${String(label)}, allowed 0 or 1`;
  if (weight >= 0 && weight < Infinity) return undefined;
  return `weight ${String(weight)}, allowed a finite number of 0 or more`;
}

/**
 * Returns why a numeric value was not learned.
 *
 * @param deviations its distance from the mean, standard deviations; Infinity where the value itself is past MAGNITUDE_MAX
 */
export function valueReason(feature: string, value: number, deviations: number): string {
  if (!(Math.abs(value) <= MAGNITUDE_MAX)) {
    return `feature ${feature}: value ${String(value)}, allowed up to ±${String(MAGNITUDE_MAX)}`;
  }
  const away = `${deviations.toPrecision(3)} standard deviations from the mean`;
  return `feature ${feature}: value ${String(value)} is ${away}, allowed ${String(FENCE_SD)}`;
}

/** Returns why an example of this leverage was not learned. */
export function leverageReason(weight: number, leverage: number, limit: number): string {
  const is = `weight ${String(weight)} gives it leverage ${leverage.toPrecision(4)}`;
  return `${is}, allowed ${limit.toPrecision(4)}, ${String(LEVERAGE_FACTOR_MAX)} times the usual`;
}

/** Returns why an update that would not be finite was not made. */
export function updateReason(slotName: string, value: number, weight: number): string {
  return `feature ${slotName}: value ${String(value)} and event weight ${String(weight)} make the update non-finite, allowed finite`;
}
