import { Type } from 'typebox';
import { WHOLE_BP } from '../../../shared/domain/assignment.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';

const given = DEFAULT_ROLLOUT_POLICY;
const { objectives, guards } = given;
const closed = { additionalProperties: false };
const DAY_MS = 24 * 3_600_000;
/** The monitor says something every five seconds at least: less than twice that would pause a rollout that is well. */
const SILENCE_MIN_MS = 10_000;

const rate = { exclusiveMinimum: 0, maximum: 1 } as const;
const margin = (value: number): Type.TNumber => Type.Number({ ...rate, default: value });
const count = (value: number): Type.TInteger =>
  Type.Integer({ minimum: 0, maximum: 1_000_000_000, default: value });
const time = (value: number, minimum: number, maximum: number): Type.TInteger =>
  Type.Integer({ minimum, maximum, default: value });

const thresholdObjective = Type.Union(
  [
    Type.Object(
      {
        thresholdProbability: Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 }),
        marginRate: Type.Number(rate),
      },
      closed,
    ),
    Type.Null(),
  ],
  { default: null },
);

/** Shape of `rollout` in a model's spec: every field has its default from `DEFAULT_ROLLOUT_POLICY`. */
export const rolloutPolicySchema = Type.Object(
  {
    alpha: Type.Number({ exclusiveMinimum: 0, maximum: 0.5, default: given.alpha }),
    stepsBp: Type.Array(Type.Integer({ minimum: 1, maximum: WHOLE_BP }), {
      minItems: 1,
      maxItems: 20,
      default: [...given.stepsBp],
    }),
    objectives: Type.Object(
      {
        loss: Type.Object(
          {
            promoteMarginNats: margin(objectives.loss.promoteMarginNats),
            rollbackMarginNats: margin(objectives.loss.rollbackMarginNats),
          },
          { ...closed, default: {} },
        ),
        accuracy: thresholdObjective,
        precision: thresholdObjective,
        recall: thresholdObjective,
      },
      { ...closed, default: {} },
    ),
    guards: Type.Object(
      {
        failureMarginRate: margin(guards.failureMarginRate),
        slownessMarginRate: margin(guards.slownessMarginRate),
        tailMarginRate: margin(guards.tailMarginRate),
        calibrationMarginRate: margin(guards.calibrationMarginRate),
        stalenessMaxMs: time(guards.stalenessMaxMs, 0, 7 * DAY_MS),
        badOutcomeMarginRate: Type.Union([Type.Number({ exclusiveMinimum: 0, maximum: 100 }), Type.Null()], {
          default: guards.badOutcomeMarginRate,
        }),
      },
      { ...closed, default: {} },
    ),
    warmingExamplesMin: count(given.warmingExamplesMin),
    shadowExamplesMin: count(given.shadowExamplesMin),
    stepExamplesMin: count(given.stepExamplesMin),
    holdMinMs: time(given.holdMinMs, 0, 30 * DAY_MS),
    holdMaxMs: time(given.holdMaxMs, 1000, 90 * DAY_MS),
    monitorSilenceMaxMs: time(given.monitorSilenceMaxMs, SILENCE_MIN_MS, DAY_MS),
    rollbackWindowMs: time(given.rollbackWindowMs, 0, 90 * DAY_MS),
    isApprovalRequired: Type.Boolean({ default: given.isApprovalRequired }),
    triesMax: Type.Integer({ minimum: 1, maximum: 1000, default: given.triesMax }),
    onNewerCandidate: Type.Enum(['queue', 'replace'], { default: given.onNewerCandidate }),
    isLabelDelayIndependent: Type.Boolean({ default: given.isLabelDelayIndependent }),
    mayPromoteOnLabelledOnly: Type.Boolean({ default: given.mayPromoteOnLabelledOnly }),
    evidenceFrom: Type.Enum(['served', 'learner'], { default: given.evidenceFrom }),
    leaseMs: time(given.leaseMs, 1000, 3_600_000),
  },
  { ...closed, default: {} },
);
