import type { SnapshotKind } from './snapshot-kind.ts';
import type { FeatureValue } from './model-spec.ts';
import type { PackedEvents } from './packed-events.ts';
import type { VerdictValue } from './rollout.ts';

/* The records of every topic as TypeScript sees them. The Avro files in schemas/ are the contract; every
   field is documented there with unit and range, and a test holds the two equal. */

/** Which of the two owners of traffic a subject was assigned to. */
export type Arm = 'stable' | 'candidate';

/** The score of one version for one prediction. */
export interface ServedScore {
  readonly version: number;
  readonly score: number | null;
  readonly scoringMicros: number;
  readonly failed: boolean;
}

/** What was answered when a training event was a prediction. */
export interface Served {
  readonly predictionId: string;
  readonly predictedAtMs: number;
  readonly planVersion: number;
  readonly assignedArm: Arm;
  readonly servedVersion: number;
  readonly assignmentProbability: number;
  readonly scores: readonly ServedScore[];
  readonly labelledAtMs: number | null;
}

/** One example. */
export interface TrainingEvent {
  readonly id: string;
  readonly eventTimeMs: number;
  readonly subject: string;
  readonly features: readonly FeatureValue[];
  readonly label: number;
  readonly weight: number;
  readonly labelSource: string;
  readonly served: Served | null;
}

/** Record of `training-events.v1`. */
export interface TrainingEvents {
  readonly model: string;
  readonly shard: number;
  readonly featureNames: readonly string[];
  readonly watermarkMs: number | null;
  /** Decoded when it is asked for, where there is `packed`. */
  readonly events: readonly TrainingEvent[];
  /** The events as they came, for who needs no objects of them. */
  readonly packed?: PackedEvents | undefined;
}

/** One answered prediction. */
export interface Prediction {
  readonly id: string;
  readonly predictedAtMs: number;
  readonly subject: string;
  readonly features: readonly FeatureValue[];
  readonly planVersion: number;
  readonly assignedArm: Arm;
  readonly servedVersion: number;
  readonly assignmentProbability: number;
  readonly position: number;
  readonly learnedToMs: number | null;
  readonly stalenessMs: number;
  readonly latencyMicros: number;
  readonly scores: readonly ServedScore[];
}

/** Record of `predictions.v1`. */
export interface Predictions {
  readonly model: string;
  readonly shard: number;
  readonly featureNames: readonly string[];
  readonly router: string;
  readonly predictions: readonly Prediction[];
}

/** The truth about one prediction. */
export interface Label {
  readonly predictionId: string;
  readonly label: number;
  readonly observedAtMs: number;
  readonly source: string;
}

/** Record of `labels.v1`. */
export interface Labels {
  readonly model: string;
  readonly shard: number;
  readonly labels: readonly Label[];
}

/** One event as every live version saw it before learning it. */
export interface ScoredEvent {
  readonly eventId: string;
  readonly eventTimeMs: number;
  readonly label: number;
  readonly weight: number;
  readonly scores: readonly (number | null)[];
  readonly served: boolean;
}

/** The scored events of one record of `training-events.v1`. */
export interface ScoredRun {
  readonly position: number;
  readonly events: number;
}

/** Record of `scores.v1`. */
export interface Scores {
  readonly model: string;
  readonly shard: number;
  readonly position: number;
  readonly versions: readonly number[];
  readonly watermarkMs: number | null;
  readonly events: readonly ScoredEvent[];
  readonly runs: readonly ScoredRun[];
}

/** Record of `snapshots.v1`. */
export interface Snapshot {
  readonly model: string;
  readonly shard: number;
  readonly version: number;
  readonly kind: SnapshotKind;
  readonly incarnation: number;
  readonly position: number;
  readonly basePosition: number;
  readonly learnedToMs: number | null;
  readonly publishedAtMs: number;
  readonly bornPosition: number;
  readonly bornMode: BirthMode;
  readonly parent: number | null;
  readonly learner: string;
  readonly graph: Uint8Array | null;
  readonly indices: Uint8Array | null;
  readonly weights: Uint8Array;
  readonly means: Uint8Array;
  readonly invStds: Uint8Array;
  readonly goldenRows: readonly (readonly FeatureValue[])[];
  readonly goldenScores: readonly number[];
  readonly metrics: string;
  readonly digest: string;
  readonly chunkIndex: number;
  readonly chunkCount: number;
}

/**
 * How a version starts: `cold`, from nothing; `copy`, as a copy of its parent at the position of its birth; `history`, from
 * nothing at a past position, learning what came since before it joins the others; `milestone`, the same from a copy of its
 * parent as a milestone kept it.
 */
export type BirthMode = 'cold' | 'copy' | 'history' | 'milestone';

/** Who gets an arm whatever their place: the subjects listed, or, with a feature, the rows whose value of it is listed. */
export interface TrafficTarget {
  readonly arm: Arm;
  readonly subjects: readonly string[];
  readonly feature: string | null;
  /** Values as text: 17 is "17", true is "true". */
  readonly values: readonly string[];
}

/** The complete desired routing of one model. */
export interface TrafficPlan {
  readonly model: string;
  readonly planVersion: number;
  readonly stable: number | null;
  readonly candidate: number | null;
  readonly candidateWeightBp: number;
  readonly shadows: readonly number[];
  readonly salt: string;
  /** The first that fits decides; plans from before there were targets have none. */
  readonly targets?: readonly TrafficTarget[];
}

/** Record of `traffic.v1`. */
export interface PublishedTrafficPlan extends TrafficPlan {
  readonly publishedAtMs: number;
  readonly leaseMs: number;
}

/** What can happen to a model's versions. */
export type ModelVersionEventKind =
  | 'ModelCreated'
  | 'VersionRegistered'
  | 'VersionApproved'
  | 'VersionBorn'
  | 'VersionRetired'
  | 'VersionResumed'
  | 'MilestoneRequested'
  | 'ShardRepositioned'
  | 'TrafficPlanned'
  | 'RolloutStarted'
  | 'RolloutQueued'
  | 'RolloutApplied'
  | 'RolloutAdvanced'
  | 'RolloutPaused'
  | 'RolloutResumed'
  | 'RolloutExtended'
  | 'RolloutRolledBack'
  | 'RolloutAborted'
  | 'RolloutReplaced'
  | 'RolloutClosed';

/** Record of `model-versions.v1`. */
export interface ModelVersionEvent {
  readonly sequence: number;
  readonly eventId: string;
  readonly atMs: number;
  readonly actor: string;
  readonly reason: string;
  readonly model: string;
  readonly kind: ModelVersionEventKind;
  readonly version: number | null;
  readonly body: string;
  readonly plan: TrafficPlan;
  readonly previousHash: string;
  readonly hash: string;
}

/** Record of `milestones.v1`: one piece of a state kept on purpose. */
export interface Milestone {
  readonly model: string;
  readonly shard: number;
  readonly position: number;
  readonly manifest: string;
  readonly section: string;
  readonly chunkIndex: number;
  readonly chunkCount: number;
  readonly bytes: Uint8Array;
}

/** Record of `artefacts.v1`: one piece of a published file. */
export interface Artefact {
  readonly digest: string;
  readonly chunkIndex: number;
  readonly chunkCount: number;
  readonly bytes: Uint8Array;
}

/** One version on one router. */
export interface RouterVersionStatus {
  readonly version: number;
  readonly ready: boolean;
  readonly position: number;
  readonly incarnation: number;
  readonly reason: string;
}

/** Record of `router-status.v1`. */
export interface RouterStatus {
  readonly router: string;
  readonly atMs: number;
  readonly url: string;
  readonly models: readonly {
    readonly model: string;
    readonly planVersion: number;
    readonly versions: readonly RouterVersionStatus[];
  }[];
}

/** Record of `verdicts.v1`. */
export interface Verdict {
  readonly model: string;
  readonly rolloutId: string;
  /** Stage it speaks of. */
  readonly step: number;
  /** Plan with which that stage began. */
  readonly planVersion: number;
  readonly candidate: number;
  readonly value: VerdictValue;
  readonly atMs: number;
  /** A `VerdictEvidence` as JSON. */
  readonly evidence: string;
}

/** Record of `dead-letters.v1`. */
export interface DeadLetter {
  readonly service: string;
  readonly reason: string;
  readonly detail: string;
  readonly atMs: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly itemIndex: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly recordTimeMs: number;
}
