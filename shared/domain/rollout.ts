/**
 * Where a rollout stands. `warming`: the candidate learns and its loss is not judged yet; `shadow`: it is scored on everything and
 * answers nobody; `canary`: it has a share of the subjects; `full`: it is stable now and the old stable learns on for the
 * rollback window. The last four are ends: `rolledBack` on evidence or by command, `aborted` by command, `replaced` by a newer
 * candidate, `closed` when the rollback window after full is over.
 */
export type RolloutPhase =
  'warming' | 'shadow' | 'canary' | 'full' | 'rolledBack' | 'aborted' | 'replaced' | 'closed';

/** A rollout as the log of versions tells it; every event of a rollout carries it whole. */
export interface RolloutState {
  /** `<model>/<candidate>/<attempt>`, at most 64 characters kept; unique for ever. */
  readonly rolloutId: string;
  readonly candidate: number;
  /** Version that owned traffic when it began, and that it goes back to. */
  readonly stable: number;
  /** Version the candidate is compared with: `stable`, or the control of a twin fork. */
  readonly baseline: number;
  /** Which try of this candidate it is, 1 …. */
  readonly attempt: number;
  readonly phase: RolloutPhase;
  /** Index in the policy's `stepsBp`; -1 before the first live step. */
  readonly step: number;
  /**
   * Counts up with every change of phase or step: a verdict speaks of exactly one stage, and is taken for the present one only.
   */
  readonly stage: number;
  /** Why it is paused, in words; null when it is not. A paused rollout keeps its weight and can still be rolled back. */
  readonly pausedBecause: string | null;
  readonly startedAtMs: number;
  readonly stageBeganAtMs: number;
  /** When all live routers had the stage's plan, by the registry's clock; null before. The hold begins then. */
  readonly appliedAtMs: number | null;
  /** Number of the traffic plan with which the rollout began: predictions under an older plan are no evidence. */
  readonly startPlanVersion: number;
  /** Number of the traffic plan with which the present stage began. */
  readonly stagePlanVersion: number;
  /** Next offset of training-events.v1 when the rollout began, and when the present stage did. */
  readonly startPosition: number;
  readonly stagePosition: number;
  /** Further time that an operator has given the present stage, ms. */
  readonly extendedMs: number;
}

/** Whether a rollout is still under way: everything else is an end that only a command leaves. */
export function isUnderWay(phase: RolloutPhase): boolean {
  return phase === 'warming' || phase === 'shadow' || phase === 'canary';
}

/** What a verdict says. */
export type VerdictValue = 'promote' | 'rollback' | 'wait';

/** One stream of a verdict. */
export interface StreamEvidence {
  /** loss, accuracy, precision, recall, failure, slowness, tail, calibration, staleness or outcome. */
  readonly name: string;
  readonly role: 'objective' | 'guard';
  /** Pairs, or requests, that counted. */
  readonly count: number;
  /** Running mean of the difference, candidate less baseline, in the stream's own unit; null before the first. */
  readonly estimate: number | null;
  /** Confidence sequence of the running mean at 1 − alpha; null before the first. */
  readonly interval: readonly [number, number] | null;
  /** Mean of the last window; null before the first. */
  readonly lastWindow: number | null;
  /** Natural logarithms: e-values now and the highest so far, and what they must reach. null where the direction does not exist. */
  readonly rollback: {
    readonly logE: number;
    readonly maxLogE: number;
    readonly thresholdLogE: number;
  } | null;
  readonly promote: {
    readonly logE: number;
    readonly maxLogE: number;
    readonly thresholdLogE: number;
  } | null;
  /** For *wait*: labelled examples that are likely still needed for promotion; null when none or unknown. */
  readonly examplesNeeded: number | null;
}

/** How one version did on the recent window of the validation suite. */
export interface ValidationFigures {
  readonly logLossNats: number;
  /**
   * At the objective's threshold, or without one at the version's own break-even point; null when nothing was predicted
   * (precision) or true (recall).
   */
  readonly precision: number | null;
  readonly recall: number | null;
  /** Expected calibration error over ten bins. */
  readonly calibrationErrorRate: number;
  /** Scoring time by the router, 99th percentile, µs; null when unknown. */
  readonly scoringP99Micros: number | null;
}

/** The validation suite: candidate and baseline on the same recent labelled examples. It must pass before the first live step. */
export interface ValidationReport {
  readonly examples: number;
  readonly candidate: ValidationFigures;
  readonly baseline: ValidationFigures;
  /** What did not pass, a sentence each with value and limit; none when it passed. */
  readonly faults: readonly string[];
}

/** The evidence of a verdict, as JSON in `verdicts.v1`. */
export interface VerdictEvidence {
  readonly rolloutId: string;
  /** Stage it speaks of. */
  readonly stage: number;
  /** One sentence for people: what decided, or what is waited for. */
  readonly because: string;
  readonly source: 'served' | 'learner';
  readonly streams: readonly StreamEvidence[];
  /** Matured pairs in all, and of the present stage. */
  readonly examples: number;
  readonly stageExamples: number;
  readonly requests: number;
  /** Pairs whose label window has not closed yet, and share of predictions that have matured, [0, 1]. */
  readonly waiting: number;
  /** Share of labelled pairs that are kept while they wait, (0, 1]; below 1 when more waited than may. */
  readonly samplingProbability?: number;
  readonly maturity: number;
  /** Whether the verdict is conditional on being labelled. */
  readonly isLabelledOnly: boolean;
  /** How many more labelled examples are likely needed, and about how long that takes at the present rate, ms; null when unknown. */
  readonly examplesNeeded: number | null;
  readonly waitMs: number | null;
  /** The validation suite as of now; null before it has enough examples. */
  readonly validation: ValidationReport | null;
  /** Positions up to which the evidence was read, by topic. */
  readonly positions: Readonly<Record<string, number>>;
}
