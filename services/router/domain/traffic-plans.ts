import type { TrafficPlan } from '../../../shared/domain/events.ts';

/** The plan in force of each model, by name. */
export type TrafficPlans = ReadonlyMap<string, TrafficPlan>;

/** Returns the plans after one more was read: the newest `planVersion` of a model wins, the same one again changes nothing. */
export function withPlan(plans: TrafficPlans, plan: TrafficPlan): TrafficPlans {
  const known = plans.get(plan.model);
  if (known !== undefined && plan.planVersion <= known.planVersion) return plans;
  return new Map(plans).set(plan.model, plan);
}
