import type { TrafficPlan } from '../../../../shared/domain/events.ts';
import type { RolloutPolicy } from '../../../../shared/domain/rollout-policy.ts';
import type { RolloutState } from '../../../../shared/domain/rollout.ts';
import { targetsOf } from '../../../../shared/domain/traffic-target.ts';

/**
 * Returns the plan of a rollout: its candidate has the step's share in a live step and answers nobody otherwise, but is
 * scored and learns in every phase, as everybody does whom the plan before names; targets stay. The salt is the rollout's, so raising
 * the weight moves nobody away from the candidate.
 */
export function planOf(
  rollout: Omit<RolloutState, 'stagePlanVersion' | 'startPlanVersion'>,
  before: TrafficPlan,
  policy: RolloutPolicy,
): TrafficPlan {
  const hasTaken = rollout.phase === 'full' || rollout.phase === 'closed';
  const stable = hasTaken ? rollout.candidate : rollout.stable;
  const candidate = rollout.phase === 'canary' ? rollout.candidate : null;
  const { stable: owner, candidate: tried, shadows } = before;
  const everybody = [...shadows, owner, tried, rollout.candidate, rollout.stable, rollout.baseline];
  const others = everybody.filter((one) => one !== null && one !== stable && one !== candidate);
  return {
    model: before.model,
    planVersion: before.planVersion,
    stable,
    candidate,
    candidateWeightBp: candidate === null ? 0 : (policy.stepsBp[rollout.step] ?? 0),
    shadows: [...new Set(others as number[])].sort((a, b) => a - b),
    salt: rollout.rolloutId,
    targets: targetsOf(before),
  };
}
