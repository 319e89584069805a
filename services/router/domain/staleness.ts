import type { TrafficPlans } from './traffic-plans.ts';

/**
 * Returns the age of the oldest parameters that stable versions answer by, ms; null when none answers.
 *
 * @param publishedAtMs returns when a version's parameters were published, ms since the Unix epoch
 */
export function oldestMs(
  plans: TrafficPlans,
  publishedAtMs: (model: string, version: number) => number | undefined,
  nowMs: number,
): number | null {
  const ages = [...plans.values()].flatMap(({ model, stable }) => {
    const atMs = stable === null ? undefined : publishedAtMs(model, stable);
    return atMs === undefined ? [] : [Math.max(0, nowMs - atMs)];
  });
  return ages.length === 0 ? null : Math.max(...ages);
}
