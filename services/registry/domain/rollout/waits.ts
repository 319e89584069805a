import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import type { RolloutPolicy } from '../../../../shared/domain/rollout-policy.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';
import type { RolloutState, VerdictEvidence } from '../../../../shared/domain/rollout.ts';
import type { HeardVerdict, IgnoredReason, RolloutContext } from './signals.ts';

/** How old a verdict may be that promotes, ms: the monitor repeats itself every five seconds for as long as it lives. */
export const VERDICT_FRESH_MS = 15_000;

/** Returns a time in words. */
export function spoken(ms: number): string {
  return ms < 1000 ? `${String(Math.ceil(ms))} ms` : `${String(Math.ceil(ms / 1000))} s`;
}

/** Returns why a verdict is nothing to a rollout; undefined when it speaks of the present stage. */
export function verdictFault(rollout: RolloutState | null, verdict: HeardVerdict): IgnoredReason | undefined {
  if (rollout === null) return 'no-rollout';
  if (verdict.rolloutId !== rollout.rolloutId || verdict.candidate !== rollout.candidate)
    return 'other-rollout';
  if (!isUnderWay(rollout.phase)) return 'ended';
  if (verdict.stage !== rollout.stage) return 'other-stage';
  return verdict.planVersion < rollout.stagePlanVersion ? 'older-plan' : undefined;
}

/** Returns what a promoting verdict lacks by what it says itself, in words. No data is never a pass. */
function evidenceGaps(rollout: RolloutState, evidence: VerdictEvidence, policy: RolloutPolicy): string[] {
  const gaps: string[] = [];
  const inStage = rollout.phase === 'shadow' ? policy.shadowExamplesMin : policy.stepExamplesMin;
  const least = Math.max(1, rollout.phase === 'warming' ? 1 : inStage);
  const counted = rollout.phase === 'warming' ? evidence.examples : evidence.stageExamples;
  if (!(counted >= least)) gaps.push(`matured examples of the stage: ${String(counted)} of ${String(least)}`);
  if (evidence.isLabelledOnly && !policy.mayPromoteOnLabelledOnly)
    gaps.push(
      'somebody to promote it: its verdicts are conditional on being labelled, which the policy does not take',
    );
  if (rollout.phase !== 'shadow') return gaps;
  if (evidence.validation === null) gaps.push('the validation suite, which has too few examples yet');
  else if (evidence.validation.faults.length > 0)
    gaps.push(`the validation suite to pass: ${evidence.validation.faults.join('; ')}`);
  return gaps;
}

function verdictWaits(rollout: RolloutState, policy: RolloutPolicy, context: RolloutContext): string[] {
  const { newest, nowMs } = context;
  if (newest === null || verdictFault(rollout, newest) !== undefined)
    return [`a verdict of the monitor on stage ${String(rollout.stage)}`];
  if (newest.value !== 'promote') return [`evidence: ${newest.evidence.because}`];
  const ageMs = nowMs - newest.heardAtMs;
  if (ageMs > VERDICT_FRESH_MS)
    return [`the monitor: its newest verdict is ${spoken(ageMs)} old, allowed ${spoken(VERDICT_FRESH_MS)}`];
  return evidenceGaps(rollout, newest.evidence, policy);
}

function holdWaits(rollout: RolloutState, policy: RolloutPolicy, nowMs: number): string[] {
  if (rollout.phase === 'warming') return [];
  if (rollout.appliedAtMs === null) {
    const plan = String(rollout.stagePlanVersion);
    return [`every live router to have plan ${plan} with version ${String(rollout.candidate)} ready`];
  }
  const leftMs = rollout.appliedAtMs + policy.holdMinMs - nowMs;
  return leftMs > 0 ? [`its hold: ${spoken(leftMs)} more of ${spoken(policy.holdMinMs)}`] : [];
}

/** Returns whether a version lacks the approval that the policy asks for before the first live step. */
export function lacksApproval(model: ModelState, version: number, policy: RolloutPolicy): boolean {
  const known = model.versions.find((one) => one.version === version);
  return policy.isApprovalRequired && known?.isApproved !== true;
}

/**
 * Returns everything that a rollout under way waits for before it goes a stage further by itself, a phrase each; none when
 * it goes. This is the only place that says when a rollout may be promoted.
 */
export function promotionWaits(
  model: ModelState,
  rollout: RolloutState,
  policy: RolloutPolicy,
  context: RolloutContext,
): readonly string[] {
  const paused =
    rollout.pausedBecause === null
      ? []
      : [`somebody to resume it: it is paused because ${rollout.pausedBecause}`];
  const approval =
    rollout.phase === 'shadow' && lacksApproval(model, rollout.candidate, policy)
      ? [`the approval of version ${String(rollout.candidate)}`]
      : [];
  return [
    ...paused,
    ...holdWaits(rollout, policy, context.nowMs),
    ...verdictWaits(rollout, policy, context),
    ...approval,
  ];
}
