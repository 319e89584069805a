/** A classification quality that is compared at a threshold. */
export interface ThresholdObjective {
  /** Scores of at least this are taken as label 1, (0, 1). */
  readonly thresholdProbability: number;
  /** How much worse than the baseline a candidate may be and still be promoted, (0, 1]. */
  readonly marginRate: number;
}

/** What a candidate has to show. Promotion needs every objective; any one that is violated rolls back. */
export interface RolloutObjectives {
  /** Mean paired difference of the loss, candidate less baseline, nats clipped to ±1. */
  readonly loss: {
    /** Promote when the mean is shown to be below this, (0, 1]. */
    readonly promoteMarginNats: number;
    /** Roll back when the mean is shown to be above this, at least `promoteMarginNats`, (0, 1]. */
    readonly rollbackMarginNats: number;
  };
  readonly accuracy: ThresholdObjective | null;
  readonly precision: ThresholdObjective | null;
  readonly recall: ThresholdObjective | null;
}

/** What a candidate must not do. Guards roll back and never promote. */
export interface RolloutGuards {
  /** How much more often than the baseline the candidate may fail to score, share of requests, (0, 1]. */
  readonly failureMarginRate: number;
  /** How much more often than the baseline the candidate may take longer than the baseline's p99, share of requests, (0, 1]. */
  readonly slownessMarginRate: number;
  /**
   * How much more often a difference of the unclipped loss beyond 1 nat may be against the candidate than for it, (0, 1].
   * More are allowed when they are paid back: when the mean difference, losses in full, is within the loss's margins.
   */
  readonly tailMarginRate: number;
  /** How much larger than the baseline's the candidate's calibration error may be, mean paired difference of (p − y) bias in [−1, 1], (0, 1]. */
  readonly calibrationMarginRate: number;
  /** Age of the candidate's parameters in routers beyond which it is rolled back, ms; 0 for never. */
  readonly stalenessMaxMs: number;
  /**
   * Served-only outcomes: how much larger than the baseline arm's odds the candidate arm's odds of label 1 may be,
   * a factor less one, such as 0.1; null when label 1 is no bad outcome of the answer itself.
   */
  readonly badOutcomeMarginRate: number | null;
}

/** How a model's versions get traffic. Part of the model's spec; all of it has defaults that need no reading. */
export interface RolloutPolicy {
  /** Bound on the probability of a false roll back over a whole rollout, and of a false promotion, (0, 0.5]. */
  readonly alpha: number;
  /** Candidate's share of the subjects in each live step, basis points, ascending, the last one 10,000. */
  readonly stepsBp: readonly number[];
  readonly objectives: RolloutObjectives;
  readonly guards: RolloutGuards;
  /** Examples a candidate that did not begin as a copy must have been scored on before its loss is judged. */
  readonly warmingExamplesMin: number;
  /** Matured examples that the shadow phase needs at least. */
  readonly shadowExamplesMin: number;
  /** Matured examples that each live step needs at least. */
  readonly stepExamplesMin: number;
  /** Least time in shadow and in each live step, ms. */
  readonly holdMinMs: number;
  /** Time in a phase after which the rollout is paused for somebody to look, ms. It never promotes. */
  readonly holdMaxMs: number;
  /** Time without a word from the monitor after which the rollout is paused, ms. */
  readonly monitorSilenceMaxMs: number;
  /** How long after full the old stable learns on, so that going back loses nothing, ms. */
  readonly rollbackWindowMs: number;
  /** Whether a person must approve the version before its first live step. */
  readonly isApprovalRequired: boolean;
  /** How often one version may be tried. */
  readonly triesMax: number;
  /** What a newer candidate does while a rollout is under way: waits for its end, or takes its place. */
  readonly onNewerCandidate: 'queue' | 'replace';
  /** Whether which labels come early is independent of what they are: only then are they counted as they arrive. */
  readonly isLabelDelayIndependent: boolean;
  /** Whether a verdict that is conditional on being labelled (`label.onWindowEnd: drop`) may promote. */
  readonly mayPromoteOnLabelledOnly: boolean;
  /** Whose scores are compared: those that routers gave at prediction time, or the learner's before it learned each event. */
  readonly evidenceFrom: 'served' | 'learner';
  /** Life of a traffic plan that has a candidate, ms: a router that hears nothing for so long serves stable. */
  readonly leaseMs: number;
}

/** The policy of a model whose spec says nothing of it. */
export const DEFAULT_ROLLOUT_POLICY: RolloutPolicy = {
  alpha: 0.05,
  stepsBp: [100, 1000, 5000, 10_000],
  objectives: {
    loss: { promoteMarginNats: 0.01, rollbackMarginNats: 0.01 },
    accuracy: null,
    precision: null,
    recall: null,
  },
  guards: {
    failureMarginRate: 0.01,
    slownessMarginRate: 0.05,
    tailMarginRate: 0.01,
    calibrationMarginRate: 0.05,
    stalenessMaxMs: 0,
    badOutcomeMarginRate: null,
  },
  warmingExamplesMin: 2000,
  shadowExamplesMin: 500,
  stepExamplesMin: 200,
  holdMinMs: 60_000,
  holdMaxMs: 7 * 24 * 3_600_000,
  monitorSilenceMaxMs: 120_000,
  rollbackWindowMs: 24 * 3_600_000,
  isApprovalRequired: false,
  triesMax: 3,
  onNewerCandidate: 'queue',
  isLabelDelayIndependent: false,
  mayPromoteOnLabelledOnly: true,
  evidenceFrom: 'served',
  leaseMs: 30_000,
};
