import type { TrafficPlans } from './traffic-plans.ts';

/**
 * Returns what keeps the router from answering for every model, in words: a stable version without verified parameters
 * each. A model without a stable version keeps nobody waiting.
 *
 * @param reasonOf why a version is not ready; undefined when it is
 */
export function unreadyStables(
  plans: TrafficPlans,
  reasonOf: (model: string, version: number) => string | undefined,
): readonly string[] {
  return [...plans.values()].flatMap(({ model, stable }) => {
    const reason = stable === null ? undefined : reasonOf(model, stable);
    return reason === undefined ? [] : [`${model} version ${String(stable)}: ${reason}`];
  });
}
