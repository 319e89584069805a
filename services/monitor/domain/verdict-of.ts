import type {
  RolloutState,
  StreamEvidence,
  VerdictEvidence,
  VerdictValue,
} from '../../../shared/domain/rollout.ts';
import { decideVerdict } from './decide-verdict.ts';
import { alphaOfAttempt, thresholdsOf } from './rollout-alpha.ts';
import type { RolloutEvidence } from './rollout-evidence.ts';

/** A verdict and its evidence. */
export interface JudgedRollout {
  readonly value: VerdictValue;
  readonly evidence: VerdictEvidence;
}

/** Returns what every stream shows, held against the thresholds of this try. */
function streamsOf(evidence: RolloutEvidence): readonly StreamEvidence[] {
  const { policy, attempt } = evidence.of;
  const { pairedStreams, outcomes, requestStreams } = evidence;
  const alpha = alphaOfAttempt(policy.alpha, attempt, policy.triesMax);
  const thresholds = thresholdsOf(alpha, pairedStreams.length + (outcomes === null ? 0 : 1));
  return [
    ...pairedStreams.map((stream) => stream.evidence(thresholds, policy.alpha)),
    ...(outcomes === null ? [] : [outcomes.evidence(thresholds.rollbackLogE, policy.alpha)]),
    requestStreams.staleness.evidence(),
  ];
}

/** Returns the verdict on the present stage of a rollout: a function of the evidence, the stage and the positions read. */
export function verdictOf(
  evidence: RolloutEvidence,
  rollout: RolloutState,
  positions: Readonly<Record<string, number>>,
): JudgedRollout {
  const { policy, isLabelledOnly } = evidence.of;
  const source = policy.evidenceFrom;
  const streams = streamsOf(evidence);
  const { stageKey, validation, warming } = {
    stageKey: source === 'served' ? rollout.stagePlanVersion : rollout.stagePosition,
    validation: evidence.validation.report(),
    warming: { isWarm: evidence.warming.isWarm, examples: evidence.warming.count },
  };
  const stageExamples = evidence.examplesSince(stageKey);
  const { examples, requests } = evidence;
  const isConditional = isLabelledOnly && source === 'served';
  const decision = decideVerdict({
    policy,
    rollout,
    streams,
    rollbackMargins: new Map(evidence.pairedStreams.map(({ spec }) => [spec.name, spec.rollbackMargin])),
    stalenessFault: evidence.requestStreams.staleness.fault,
    warming,
    examples,
    stageExamples,
    isLabelledOnly: isConditional,
    validation,
  });
  const { examplesNeeded } = decision;
  const gapMs = evidence.msPerExample;
  return {
    value: decision.value,
    evidence: {
      rolloutId: rollout.rolloutId,
      stage: rollout.stage,
      because: decision.because,
      source,
      streams,
      examples,
      stageExamples,
      requests,
      waiting: evidence.waiting.size,
      maturity: source === 'learner' ? 1 : requests === 0 ? 0 : Math.min(1, examples / requests),
      isLabelledOnly: isConditional,
      examplesNeeded,
      waitMs: examplesNeeded === null || gapMs === null ? null : Math.round(examplesNeeded * gapMs),
      validation,
      positions,
    },
  };
}
