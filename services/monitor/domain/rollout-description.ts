import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { rolloutPolicyOf } from '../../../shared/domain/model-spec.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState } from '../../../shared/domain/rollout.ts';

/** What evidence has to know of its rollout; it stays the same from the rollout's first event to its last. */
export interface RolloutDescription {
  readonly rolloutId: string;
  readonly candidate: number;
  readonly baseline: number;
  readonly attempt: number;
  readonly startPlanVersion: number;
  readonly startPosition: number;
  readonly startedAtMs: number;
  readonly policy: RolloutPolicy;
  /** How long after a prediction its label may come, ms. */
  readonly windowMs: number;
  /** Whether predictions without a label are never seen. */
  readonly isLabelledOnly: boolean;
  /** Whether the candidate's loss is judged only once it has learned enough. */
  readonly needsWarming: boolean;
}

/**
 * Returns the description of a model's rollout. Only a copy, which begins as good as its parent, and a published file, which never
 * gets better, need no warming. The learner has no scores of a published file, so its evidence is what was served.
 */
export function describeRollout(model: ModelState, rollout: RolloutState): RolloutDescription {
  const { rolloutId, candidate, baseline, attempt, startPlanVersion, startPosition, startedAtMs } = rollout;
  const modeOf = (version: number): string | undefined =>
    model.versions.find((one) => one.version === version)?.mode;
  const policy = rolloutPolicyOf(model.spec);
  const isPublished = [candidate, baseline].some((version) => modeOf(version) === 'published');
  return {
    rolloutId,
    candidate,
    baseline,
    attempt,
    startPlanVersion,
    startPosition,
    startedAtMs,
    policy: isPublished ? { ...policy, evidenceFrom: 'served' } : policy,
    windowMs: model.spec.label.windowMs,
    isLabelledOnly: model.spec.label.onWindowEnd === 'drop',
    needsWarming: !['copy', 'published'].includes(modeOf(candidate) ?? ''),
  };
}
