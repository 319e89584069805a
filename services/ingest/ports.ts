import type { Label, Prediction } from '../../shared/domain/events.ts';
import type { OutRecord, Written } from '../../shared/kafka/producer.ts';
import type { Log } from '../../shared/observability/log.ts';

export type { Outcome, Refusal } from '../../shared/domain/outcome.ts';
export type { OutRecord, Written } from '../../shared/kafka/producer.ts';
export type { PartitionHandler } from '../../shared/kafka/partition-handler.ts';
export type { RecordBatch } from '../../shared/kafka/record-batch.ts';
export type { TopicPartition } from '../../shared/kafka/consumed.ts';
export type { LogRange } from '../../shared/kafka/partition-count.ts';
export type { Log } from '../../shared/observability/log.ts';

/** A prediction as the join keeps it. */
export interface JoinPrediction {
  readonly prediction: Prediction;
  readonly featureNames: readonly string[];
}

/** What a record did in the join. */
export type JoinOutcome =
  | { readonly kind: 'open' | 'early' | 'late' | 'second' | 'same' }
  | {
      readonly kind: 'joined';
      readonly of: JoinPrediction;
      readonly label: number;
      readonly observedAtMs: number;
    };

/** One item for the join, with where it came from. */
export type JoinItem =
  | {
      readonly kind: 'prediction';
      readonly source: string;
      readonly of: JoinPrediction;
      readonly deadlineMs: number;
    }
  | { readonly kind: 'label'; readonly source: string; readonly label: Label; readonly forgetAtMs: number };

/** How far a shard has been consumed: greatest event time of each topic, and the watermark, ms; 0 before any. */
export interface JoinProgress {
  readonly predictions: number;
  readonly labels: number;
  readonly watermarkMs: number;
}

/** The join's state of all partitions. */
export interface JoinStores {
  /**
   * Takes a partition over and returns its state: whoever owned it before is refused from now on, also what of it is still
   * on its way. Calls whose fate is unknown (no answer came) never take effect after a later call has.
   */
  own(partition: number): Promise<JoinStore>;
  /** Returns the next offset to read of a topic-partition; undefined before the first. */
  position(topicPartition: string): Promise<number | undefined>;
}

/**
 * The join's state of one partition, for its owner. Every call is atomic per prediction and safe to repeat. Calls that
 * change something reject with `redis-fenced` once another owner has taken the partition over.
 */
export interface JoinStore {
  /** Takes items in order and returns what each did. */
  take(shardKey: string, items: readonly JoinItem[]): Promise<readonly JoinOutcome[]>;
  /**
   * Closes windows that end at or before the watermark and returns their predictions, oldest first, at most `limit`. Until
   * they are freed, the same ones come again.
   */
  closeWindows(
    shardKey: string,
    input: { watermarkMs: number; as: 'defaulted' | 'dropped'; limit: number },
  ): Promise<readonly JoinPrediction[]>;
  /** Returns whether any window ends at or before a time. */
  hasDue(shardKey: string, timeMs: number): Promise<boolean>;
  /** Lets go of payloads whose event is acknowledged, and of entries whose window is past. */
  free(
    shardKey: string,
    input: { joined: readonly string[]; closed: readonly string[]; watermarkMs: number },
  ): Promise<void>;
  /** Returns how far a shard's two topics have been consumed, as of the newest settled position. */
  consumed(shardKey: string): Promise<JoinProgress>;
  /** Returns bytes of payloads held for a shard. */
  bytes(shardKey: string): Promise<number>;
  /**
   * Remembers in one step what is to be read next and how far shards have been consumed with what was read. Entries are
   * forgotten by the latter, so it must never be ahead of the former: what is read again must find them.
   */
  setPosition(
    topicPartition: string,
    nextOffset: number,
    progress: ReadonlyMap<string, JoinProgress>,
  ): Promise<void>;
}

/** What ingest needs of the world. */
export interface IngestPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly newId: () => string;
  readonly send: (records: readonly OutRecord[]) => Promise<Written[]>;
  readonly observe: IngestObserver;
}

/** What ingest tells its metrics. */
export interface IngestObserver {
  items(kind: 'event' | 'label', result: 'accepted' | 'rejected', count: number): void;
  pushedBack(kind: 'event' | 'label'): void;
  joined(outcome: JoinOutcome['kind'] | 'defaulted' | 'dropped', count: number): void;
  joinBytes(bytes: number): void;
  watermark(model: string, watermarkMs: number): void;
}
