import type { ProgressiveSummary } from '../../shared/domain/progressive-metrics.ts';
import type { StateSection } from '../../shared/domain/state-section.ts';
import type { ShardLearner } from './domain/shard-learner.ts';
import type { FenceView } from './domain/version-learner.ts';
import type { KeptMilestone, VersionFigures } from './ports.ts';

/** What can be seen of one shard. */
export interface ShardView {
  readonly shard: number;
  /** Next offset of training-events.v1 that the state has not seen. */
  readonly position: number;
  /** Position of the newest checkpoint; -1 before the first. */
  readonly savedPosition: number;
  /** SHA-256 of the whole state at this position, hex. */
  readonly stateDigest: string;
  readonly versions: readonly {
    readonly version: number;
    readonly bornPosition: number;
    readonly mode: string;
    readonly parent: number | null;
    readonly examplesLearned: number;
    readonly screened: number;
    readonly isHalted: boolean;
    readonly fences: FenceView;
    readonly metrics: ProgressiveSummary;
  }[];
  /** States kept on purpose, oldest first. */
  readonly milestones: readonly KeptMilestone[];
}

/** What a view is made from. */
export interface ShardViewInput {
  readonly shard: number;
  readonly learner: ShardLearner;
  readonly savedPosition: number;
  readonly milestones: readonly KeptMilestone[];
  readonly stateDigest: (sections: readonly StateSection[]) => string;
}

/** Returns what can be seen of a shard. Costs a digest of the whole state. */
export function shardView(input: ShardViewInput): ShardView {
  const { shard, learner, savedPosition, milestones, stateDigest } = input;
  return {
    shard,
    position: learner.position,
    savedPosition,
    stateDigest: stateDigest(learner.sections()),
    milestones,
    versions: learner.versions.map(({ version, born }) => {
      const one = learner.learner(version);
      return {
        version,
        bornPosition: born.position,
        mode: born.mode,
        parent: born.parent ?? null,
        examplesLearned: one.examplesLearned,
        screened: one.screened,
        isHalted: learner.haltedAt(version) !== undefined,
        fences: one.fences(),
        metrics: one.metrics.summary(),
      };
    }),
  };
}

/** Returns the progressive figures of every live version. */
export function figuresOf(learner: ShardLearner): readonly { version: number; figures: VersionFigures }[] {
  return learner.versions.map(({ version }) => {
    const one = learner.learner(version);
    const summary = one.metrics.summary();
    const figures = {
      examples: summary.examples,
      logLoss: summary.logLoss,
      recentLogLoss: summary.recentLogLoss,
      baseRateLogLoss: summary.baseRateLogLoss,
      accuracy: summary.accuracyRate,
      calibrationError: summary.expectedCalibrationError,
      leverageMax: one.fences().leverageMax ?? Infinity,
    };
    return { version, figures };
  });
}
