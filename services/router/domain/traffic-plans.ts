import type { PublishedTrafficPlan, TrafficPlan } from '../../../shared/domain/events.ts';

/** A plan that a router goes by. */
export interface HeldPlan extends TrafficPlan {
  readonly publishedAtMs: number;
  /** When its lease ends unless it is renewed, by the monotonic clock, ms; Infinity for a plan without one. */
  readonly leaseEndsMs: number;
}

/** End of a lease that is over whatever the clock says: of a plan that was kept on disk, whose candidate answers nobody. */
export const LAPSED_MS = -Infinity;

/** The newest plan of each model, by name. */
export type TrafficPlans = ReadonlyMap<string, HeldPlan>;

/** When a plan was read. */
export interface Hearing {
  /** Wall clock, ms since the Unix epoch. */
  readonly nowMs: number;
  readonly monotonicMs: number;
  /** Whether it lay on the topic before this router began: nobody knows for how long, but for its own time stamp. */
  readonly isPast: boolean;
}

/** Returns what is left of a plan's lease, ms. One clock is enough for a plan that is heard as it is published. */
function leaseLeftMs({ leaseMs, publishedAtMs }: PublishedTrafficPlan, { isPast, nowMs }: Hearing): number {
  if (leaseMs === 0) return Infinity;
  return isPast ? Math.min(leaseMs, Math.max(0, publishedAtMs + leaseMs - nowMs)) : leaseMs;
}

/**
 * Returns the plans after one more was read: the newest `planVersion` of a model wins; the same one, published again, has
 * its lease renewed; one that was read before changes nothing.
 */
export function withPlan(plans: TrafficPlans, plan: PublishedTrafficPlan, heard: Hearing): TrafficPlans {
  const known = plans.get(plan.model);
  const isNewer =
    known === undefined ||
    plan.planVersion > known.planVersion ||
    (plan.planVersion === known.planVersion && plan.publishedAtMs > known.publishedAtMs);
  if (!isNewer) return plans;
  const { leaseMs: _lease, ...routing } = plan;
  const held: HeldPlan = { ...routing, leaseEndsMs: heard.monotonicMs + leaseLeftMs(plan, heard) };
  return new Map(plans).set(plan.model, held);
}

/** Returns whether a plan's candidate may answer nobody any more, because nothing was heard of the plan for too long. */
export function hasLapsed({ candidate, leaseEndsMs }: HeldPlan, monotonicMs: number): boolean {
  return candidate !== null && monotonicMs >= leaseEndsMs;
}
