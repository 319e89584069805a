import type { RolloutPolicy } from './rollout-policy.ts';
import { DEFAULT_ROLLOUT_POLICY } from './rollout-policy.ts';

/** The value of one feature of one row; null when the producer did not know it. */
export type FeatureValue = string | number | boolean | null;

/** How the values of a feature are read: as names, as quantities that are standardised, or as yes and no. */
export type FeatureType = 'categorical' | 'numeric' | 'boolean';

/** One declared feature; its place in `ModelSpec.features` is its column everywhere. */
export interface FeatureSpec {
  readonly name: string;
  readonly type: FeatureType;
}

/** Hashed logistic regression trained by FTRL-proximal (McMahan et al. 2013). */
export interface FtrlLogisticConfig {
  readonly kind: 'ftrl-logistic';
  /** log2 of the number of weights, 8 … 24. Fixed for all versions of a lineage that copies parameters. */
  readonly tableBits: number;
  /** Learning rate α, (0, 100]. */
  readonly alpha: number;
  /** Learning rate offset β, [0, 100]. */
  readonly beta: number;
  /** L1 penalty, [0, 1000]. */
  readonly l1: number;
  /** L2 penalty, [0, 1000]. */
  readonly l2: number;
}

/** The learner of a version: today one kind, told apart by `kind`. */
export type LearnerConfig = FtrlLogisticConfig;

/** How labels find predictions. */
export interface LabelSpec {
  /** How long after a prediction (event time) its label may still arrive, ms. */
  readonly windowMs: number;
  /** What happens to a prediction without a label at the window's end. */
  readonly onWindowEnd: 'drop' | 'default';
  /** The label learned at the window's end when `onWindowEnd` is `default`: 0 or 1. */
  readonly defaultLabel: number;
}

/** How often parameters are published. */
export interface SnapshotSpec {
  /** Least time between two snapshots of one version, ms, 0 … 60,000. */
  readonly minIntervalMs: number;
}

/** A named prediction task: everything the services need to know of a model. Immutable once created. */
export interface ModelSpec {
  readonly name: string;
  readonly task: 'binary-classification';
  /** Ordered parts of the stream. One; more are refused until shards are built. */
  readonly shards: 1;
  readonly features: readonly FeatureSpec[];
  /** Declared interactions: each a list of 2 … 4 names of categorical or boolean features. */
  readonly crosses: readonly (readonly string[])[];
  readonly label: LabelSpec;
  /** The learner of versions that declare nothing else. */
  readonly learner: LearnerConfig;
  readonly snapshots: SnapshotSpec;
  /** Whether an answer waits for its prediction to be on Kafka. */
  readonly predictionLog: 'async' | 'acknowledged';
  /** How versions get traffic; models created before there were rollouts have none and get the default. */
  readonly rollout?: RolloutPolicy;
}

/** Returns how a model's versions get traffic. */
export function rolloutPolicyOf(spec: ModelSpec): RolloutPolicy {
  return spec.rollout ?? DEFAULT_ROLLOUT_POLICY;
}
