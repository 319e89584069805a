import type { SaveCost, ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import type { Verdict } from '../../shared/domain/events.ts';
import type { OutRecord } from '../../shared/kafka/producer.ts';
import type { LogRange } from '../../shared/kafka/partition-count.ts';
import type { Log } from '../../shared/observability/log.ts';
import type { MonitoredTopic } from './domain/shard-monitor.ts';

export type { LoadedCheckpoint, ShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
export type { Outcome } from '../../shared/domain/outcome.ts';
export type { OutRecord } from '../../shared/kafka/producer.ts';
export type { PartitionHandler } from '../../shared/kafka/partition-handler.ts';
export type { RecordBatch, TypedRecord } from '../../shared/kafka/record-batch.ts';

/** What is asked of the registry for the page. */
export interface RegistryQuestion {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Asks the registry and returns its answer; throws a problem with status 503 when there is none, or no registry. */
export type RegistryLink = (
  question: RegistryQuestion,
) => Promise<{ readonly status: number; readonly type: string; readonly text: string }>;

/** What the monitor needs of the world. */
export interface MonitorPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly openCheckpoint: (shardKey: string) => ShardCheckpoint;
  /** Returns the range of every partition of a topic as it is now. */
  readonly logRanges: (topic: MonitoredTopic) => Promise<ReadonlyMap<number, LogRange>>;
  /** Returns the digest of the record at an offset of a topic, as `recordDigest` makes it, or `absent`. */
  readonly digestAt: (topic: MonitoredTopic, partition: number, offset: number) => Promise<string>;
  /** Returns the digest that stands for a record's bytes. */
  readonly recordDigest: (value: Uint8Array) => string;
  /**
   * Resolves when everything that is in the version log at the time of the call has been folded into the directory; throws a
   * retriable error when that takes long.
   */
  readonly readVersionsToEnd: () => Promise<void>;
  /** Writes verdicts that no batch carries. Throws a retriable error when Kafka is away. */
  readonly publish: (records: readonly OutRecord[]) => Promise<void>;
  /** Told of every verdict that is published. */
  readonly onVerdict: (verdict: Verdict) => void;
  /** Told what a checkpoint cost. */
  readonly onSaved: (model: string, cost: SaveCost, seconds: number) => void;
  /** Told when a shard's state cannot be continued; it is stopped, alone. */
  readonly onStopped: (model: string, isStopped: boolean) => void;
}
