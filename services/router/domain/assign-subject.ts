import { assignArm, WHOLE_BP } from '../../../shared/domain/assignment.ts';
import type { Arm, TrafficPlan } from '../../../shared/domain/events.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { targetedArm } from '../../../shared/domain/traffic-target.ts';

/** A plan under which requests can be answered. */
export type ServingPlan<Plan extends TrafficPlan = TrafficPlan> = Plan & { readonly stable: number };

/** What a request names itself: a version, or the version that an arm has at the moment. undefined lets the plan decide. */
export type Wanted = number | Arm | undefined;

/** Returns the version that a request names under a plan; undefined when the plan has no candidate to be named. */
export function wantedVersion({ stable, candidate }: ServingPlan, wanted: number | Arm): number | undefined {
  if (typeof wanted === 'number') return wanted;
  return wanted === 'stable' ? stable : (candidate ?? undefined);
}

/** Who should answer a request, and how likely that was. */
export interface Assignment {
  readonly arm: Arm;
  /** Version to ask first: the arm's, or stable when the candidate is not ready. */
  readonly version: number;
  /** Whether the request named its version, or a target its arm: it was not assigned by chance and is no evidence. */
  readonly isDirected: boolean;
  /** Probability with which the arm was chosen; 0 when the subject could not have got its version. */
  readonly probability: number;
}

/** Returns whether a plan names a version that owns traffic. */
export function isServing<Plan extends TrafficPlan>(plan: Plan | undefined): plan is ServingPlan<Plan> {
  return plan !== undefined && plan.stable !== null;
}

/** Whom a request is about, as far as a plan may ask. */
export interface Asker {
  readonly subject: string;
  /** In the order of the features. */
  readonly row: readonly FeatureValue[];
  readonly features: readonly FeatureSpec[];
}

/**
 * Returns the assignment of a request under a plan: by its first target that fits, else by the place of its subject.
 *
 * @param isReady whether a version may be asked; only the candidate is inquired about
 */
export function assignSubject(
  plan: ServingPlan,
  { subject, row, features }: Asker,
  isReady: (version: number) => boolean,
): Assignment {
  const { stable, candidate, candidateWeightBp } = plan;
  if (candidate === null) return { arm: 'stable', version: stable, isDirected: false, probability: 1 };
  const target = targetedArm(plan, subject, row, features);
  const isDirected = target !== undefined;
  const arm = target ?? assignArm(plan.salt, subject, candidateWeightBp);
  const candidateProbability = isDirected ? Number(arm === 'candidate') : candidateWeightBp / WHOLE_BP;
  if (arm === 'stable') return { arm, version: stable, isDirected, probability: 1 - candidateProbability };
  if (!isReady(candidate)) return { arm, version: stable, isDirected, probability: 0 };
  return { arm, version: candidate, isDirected, probability: candidateProbability };
}

/** Returns the assignment of a request that names its version. */
export function pinTo(plan: ServingPlan, version: number): Assignment {
  const arm = version === plan.candidate ? 'candidate' : 'stable';
  return { arm, version, isDirected: true, probability: 1 };
}

/** Returns every version that a plan has scored: stable, candidate, shadows; each once. */
export function plannedVersions(plan: TrafficPlan): readonly number[] {
  const versions = [plan.stable, plan.candidate, ...plan.shadows].filter((version) => version !== null);
  return [...new Set(versions)];
}
