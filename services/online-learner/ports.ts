import type { OutRecord, Written } from '../../shared/kafka/producer.ts';
import type { TrainingEvents } from '../../shared/domain/events.ts';
import type { SnapshotKind } from '../../shared/domain/snapshot-kind.ts';
import type { SaveCost, ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import type { LogRange } from '../../shared/kafka/partition-count.ts';
import type { Log } from '../../shared/observability/log.ts';
import type { StateSection } from '../../shared/domain/state-section.ts';
import type { LearnerConfig } from '../../shared/domain/model-spec.ts';
import type { Fence } from './domain/screening.ts';
import type { EventCounts } from './domain/tally.ts';

export type { Outcome, Refusal } from '../../shared/domain/outcome.ts';
export type { OutRecord } from '../../shared/kafka/producer.ts';
export type { PartitionHandler } from '../../shared/kafka/partition-handler.ts';
export type { RecordBatch, TypedRecord } from '../../shared/kafka/record-batch.ts';
export type { TopicPartition } from '../../shared/kafka/consumed.ts';
export type {
  ShardCheckpoint,
  LoadedCheckpoint,
  SaveCost,
} from '../../shared/checkpoint/checkpoint-store.ts';
export type { Log } from '../../shared/observability/log.ts';

/** What the learner needs of the world. */
export interface LearnerPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  /** Monotonic clock for durations, ms. */
  readonly monotonicMs: () => number;
  /** Resolves after so many ms, or at once when the signal is aborted. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** CPU time of this thread so far, ms: what work costs, whoever else has the processor meanwhile. */
  readonly threadCpuMs: () => number;
  /** Returns the checkpoint of a shard; opening touches nothing. */
  readonly openCheckpoint: (shardKey: string) => ShardCheckpoint;
  /** Returns first and next offset of every partition of training-events.v1. */
  readonly logRanges: () => Promise<ReadonlyMap<number, LogRange>>;
  /** Returns the digest of the record at an offset of training-events.v1, as `recordDigest` makes it, or `absent`. */
  readonly digestAt: (partition: number, offset: number) => Promise<string>;
  /** Yields the decoded records of training-events.v1 of one partition between two offsets, with where to read on. */
  readonly readPast: (
    partition: number,
    from: number,
    to: number,
    signal: AbortSignal,
  ) => AsyncIterable<PastRecords>;
  /** Returns the milestones of a shard; opening touches nothing. */
  readonly openMilestones: (shard: ShardPlace) => MilestonePorts;
  /** Called at moments at which dying must be harmless; a proof ends the process there. */
  readonly onMoment: (moment: 'birth-saved' | 'snapshot-sent' | 'snapshot-acknowledged') => void;
  /** Returns the digest that stands for a record's bytes. */
  readonly recordDigest: (value: Uint8Array) => string;
  /** Returns SHA-256 over the pieces, hex. */
  readonly sha256: (pieces: readonly Uint8Array[]) => string;
  /** Returns SHA-256 over the canonical form of a whole state, hex. */
  readonly stateDigest: (sections: readonly StateSection[]) => string;
  /** Writes records; resolves when they are acknowledged. */
  readonly send: (records: readonly OutRecord[]) => Promise<Written[]>;
  /** Returns the ONNX model of a learner whose parameters are inputs. */
  readonly graphOf: (config: LearnerConfig, width: number) => Uint8Array;
  readonly observe: LearnerObserver;
}

/** Which shard, and where its records are. */
export interface ShardPlace {
  readonly model: string;
  readonly shard: number;
  readonly shardKey: string;
  readonly partition: number;
}

/** A part of the log, decoded; what could not be decoded is left out, as it was when it came. */
export interface PastRecords {
  readonly records: readonly {
    readonly value: TrainingEvents;
    readonly offset: number;
    readonly timestampMs: number;
  }[];
  /** Where to read on. */
  readonly nextOffset: number;
}

/** Why a milestone was made. */
export type MilestoneReason = 'births' | 'events' | 'command';

/** A whole state, copied at one moment. */
export interface MilestoneState {
  readonly position: number;
  readonly learnedToMs: number | null;
  /** Sections in canonical order. */
  readonly sections: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

/** A milestone that is on Kafka. */
export interface KeptMilestone {
  readonly position: number;
  readonly reason: MilestoneReason;
  readonly chunkCount: number;
  readonly createdAtMs: number;
}

/** The milestones of one shard. */
export interface MilestonePorts {
  /** Writes a milestone; resolves when all of it is acknowledged. */
  write(state: MilestoneState, reason: MilestoneReason): Promise<KeptMilestone>;
  /** Deletes a milestone. */
  forget(milestone: KeptMilestone): Promise<void>;
  /** Returns the newest undamaged milestone at or below a position, and what was wrong with newer ones. */
  newest(atMost?: number): Promise<{ state: MilestoneState | undefined; damaged: readonly string[] }>;
}

/** What the learner tells its metrics. */
export interface LearnerObserver {
  /** Counts what became of the events of a record. */
  events(model: string, counts: EventCounts): void;
  version(model: string, version: number, figures: VersionFigures): void;
  /** A version did not learn an event, and what the event was past. */
  screened(model: string, version: number, fence: Fence): void;
  checkpoint(model: string, seconds: number, cost: SaveCost): void;
  /** A shard was opened, and from what. */
  opened(model: string, from: OpenedFrom): void;
  /** Next offset that a shard has not seen. */
  position(model: string, offset: number): void;
  /** A checkpoint was found damaged. */
  damaged(model: string): void;
  milestone(model: string, reason: MilestoneReason): void;
  /** Offset up to which a version that starts from history has learned, and the shard's position. */
  backfill(model: string, version: number, position: number, target: number): void;
  snapshot(model: string, kind: SnapshotKind, bytes: number): void;
  alarm(model: string, isStopped: boolean): void;
  halted(model: string, version: number): void;
}

/** What a shard began with when it was opened. */
export type OpenedFrom = 'checkpoint' | 'previous-generation' | 'milestone' | 'log';

/** Progressive figures of one version. */
export interface VersionFigures {
  readonly examples: number;
  readonly logLoss: number;
  readonly recentLogLoss: number;
  readonly baseRateLogLoss: number;
  readonly accuracy: number;
  readonly calibrationError: number;
  /** Where the leverage fence stands; Infinity before it holds. */
  readonly leverageMax: number;
}
