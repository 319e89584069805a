import type {
  RolloutState,
  StreamEvidence,
  VerdictEvidence,
  VerdictValue,
} from '../../../shared/domain/rollout.ts';
import { decideVerdict } from './decide-verdict.ts';
import { alphaOfAttempt, thresholdsOf } from './rollout-alpha.ts';
import type { RolloutEvidence } from './rollout-evidence.ts';

/** A verdict whose evidence is put together when somebody wants it. */
export interface JudgedRollout {
  readonly value: VerdictValue;
  /** Returns the evidence; costs a look at the whole validation window. */
  evidence(positions: Readonly<Record<string, number>>): VerdictEvidence;
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

/** Returns the rollback margin of every stream that has a test. */
function marginsOf({ pairedStreams, of }: RolloutEvidence): ReadonlyMap<string, number> {
  const margins = new Map(pairedStreams.map(({ spec }) => [spec.name, spec.rollbackMargin]));
  const { badOutcomeMarginRate } = of.policy.guards;
  return badOutcomeMarginRate === null ? margins : margins.set('outcome', badOutcomeMarginRate);
}

/** Returns the verdict on the present stage of a rollout: a function of what was taken and of the stage. */
export function verdictOf(evidence: RolloutEvidence, rollout: RolloutState): JudgedRollout {
  const { policy, isLabelledOnly } = evidence.of;
  const { examples, requests, waiting, msPerExample: gapMs } = evidence;
  const source = policy.evidenceFrom;
  const streams = streamsOf(evidence);
  const stageKey = source === 'served' ? rollout.stagePlanVersion : rollout.stagePosition;
  const stageExamples = evidence.examplesSince(stageKey);
  const isConditional = isLabelledOnly && source === 'served';
  const { value, because, examplesNeeded } = decideVerdict({
    policy,
    rollout,
    streams,
    rollbackMargins: marginsOf(evidence),
    stalenessFault: evidence.requestStreams.staleness.fault,
    warming: { isWarm: evidence.warming.isWarm, examples: evidence.warming.count },
    examples,
    stageExamples,
    isLabelledOnly: isConditional,
    validation: () => evidence.validation.report(),
  });
  const { size, samplingProbability } = waiting;
  return {
    value,
    evidence: (positions) => ({
      rolloutId: rollout.rolloutId,
      stage: rollout.stage,
      because,
      source,
      streams,
      examples,
      stageExamples,
      requests,
      waiting: size,
      samplingProbability,
      maturity: source === 'learner' ? 1 : requests === 0 ? 0 : Math.min(1, examples / requests),
      isLabelledOnly: isConditional,
      examplesNeeded,
      waitMs: examplesNeeded === null || gapMs === null ? null : Math.round(examplesNeeded * gapMs),
      validation: evidence.validation.report(),
      positions,
    }),
  };
}
