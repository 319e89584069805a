import type { OutRecord, Written } from '../../shared/kafka/producer.ts';
import type { ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import type { LogRange } from '../../shared/kafka/partition-count.ts';
import type { Log } from '../../shared/observability/log.ts';
import type { StateSection } from '../../shared/domain/state-section.ts';
import type { LearnerConfig } from '../../shared/domain/model-spec.ts';

export type { Outcome, Refusal } from '../../shared/domain/outcome.ts';
export type { OutRecord } from '../../shared/kafka/producer.ts';
export type { PartitionHandler } from '../../shared/kafka/group-consumer.ts';
export type { RecordBatch } from '../../shared/kafka/record-batch.ts';
export type { TopicPartition } from '../../shared/kafka/consumed.ts';
export type { ShardCheckpoint, LoadedCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
export type { Log } from '../../shared/observability/log.ts';

/** What the learner needs of the world. */
export interface LearnerPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  /** Monotonic clock for durations, ms. */
  readonly monotonicMs: () => number;
  /** CPU time of this thread so far, ms: what work costs, whoever else has the processor meanwhile. */
  readonly threadCpuMs: () => number;
  /** Returns the checkpoint of a shard; opening touches nothing. */
  readonly openCheckpoint: (shardKey: string) => ShardCheckpoint;
  /** Returns first and next offset of every partition of training-events.v1. */
  readonly logRanges: () => Promise<ReadonlyMap<number, LogRange>>;
  /** Returns the digest of the record at an offset of training-events.v1, as `recordDigest` makes it. */
  readonly digestAt: (partition: number, offset: number) => Promise<string>;
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

/** What the learner tells its metrics. */
export interface LearnerObserver {
  events(model: string, result: 'learned' | 'duplicate' | 'screened' | 'refused', count: number): void;
  version(model: string, version: number, figures: VersionFigures): void;
  checkpoint(model: string, seconds: number): void;
  snapshot(model: string, kind: 'full' | 'delta', bytes: number): void;
  alarm(model: string, isStopped: boolean): void;
  halted(model: string, version: number): void;
}

/** Progressive figures of one version. */
export interface VersionFigures {
  readonly examples: number;
  readonly logLoss: number;
  readonly recentLogLoss: number;
  readonly baseRateLogLoss: number;
  readonly accuracy: number;
  readonly calibrationError: number;
}
