import type { TrafficTarget } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';

/** Most targets of a plan. */
export const TARGETS_MAX = 32;
/** Most subjects and values that the targets of a plan list in all: every event of the log carries the whole plan. */
const LISTED_MAX = 1000;

/** Returns the first thing wrong with the targets of a model's plan, or undefined. */
export function targetsFault(targets: readonly TrafficTarget[], { features }: ModelSpec): string | undefined {
  if (targets.length > TARGETS_MAX)
    return `targets: ${String(targets.length)}, allowed 0 … ${String(TARGETS_MAX)}`;
  const listed = targets.reduce((sum, { subjects, values }) => sum + subjects.length + values.length, 0);
  if (listed > LISTED_MAX)
    return `targets list ${String(listed)} subjects and values, allowed 0 … ${String(LISTED_MAX)}`;
  for (const [index, { feature, subjects, values }] of targets.entries()) {
    const named = `targets[${String(index)}]`;
    if (feature === null) {
      if (values.length > 0) return `${named}.values: without a feature, allowed subjects`;
      if (subjects.length === 0) return `${named}: no subjects, and no feature with values`;
      continue;
    }
    if (subjects.length > 0) return `${named}.subjects: with a feature, allowed values`;
    if (values.length === 0) return `${named}.values: none for feature ${feature}`;
    const known = features.find(({ name }) => name === feature);
    if (known === undefined) return `${named}.feature: ${feature} is not a feature of the model`;
    if (known.type === 'numeric')
      return `${named}.feature: ${feature} is numeric, allowed categorical or boolean`;
  }
  return undefined;
}
