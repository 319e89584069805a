import type { TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { rolloutPolicyOf } from '../../../shared/domain/model-spec.ts';

/** Renewals that fit into one lease: two may be lost before a router stops asking the candidate. */
const RENEWALS_A_LEASE = 3;

/** Returns for how long routers may act on a plan after they have heard of it, ms; 0, for ever, without a candidate. */
export function leaseOf(plan: TrafficPlan, spec: ModelSpec | undefined): number {
  return plan.candidate === null || spec === undefined ? 0 : rolloutPolicyOf(spec).leaseMs;
}

/** Returns whether a plan must be published again. */
export function isDueForRenewal(leaseMs: number, publishedAtMs: number, nowMs: number): boolean {
  return leaseMs > 0 && nowMs - publishedAtMs >= leaseMs / RENEWALS_A_LEASE;
}
