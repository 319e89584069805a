import type { Outcome } from '../domain/outcome.ts';
import type { TopicPartition } from './consumed.ts';
import type { OutRecord } from './producer.ts';
import type { RecordBatch } from './record-batch.ts';

/** What a service does with its share of the partitions. The loop calls one method at a time per partition. */
export interface PartitionHandler {
  /**
   * Called on every (re)join with all partitions now ours, while none of them is delivered. Returns where to read each
   * from. Partitions not named any more are someone else's: their state is dropped here.
   */
  takeOver(assigned: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>>;
  /** Returns one outcome a record, in order. A retriable failure makes the loop call again with the same batch. */
  handle(batch: RecordBatch): readonly Outcome<OutRecord>[] | Promise<readonly Outcome<OutRecord>[]>;
  /**
   * Called when everything the batch emitted is acknowledged: the place to checkpoint. Returns the offset that may be
   * committed as a hint for lag dashboards, or undefined for none yet.
   */
  settle(batch: RecordBatch): Promise<number | undefined>;
  /**
   * Returns whether the batch just handled must be settled before the next one is handled. Where it need not be, the loop
   * goes on reading while what was emitted is on its way, and settles the newest batch once all of it is acknowledged.
   * Absent: every batch is settled.
   */
  mustSettle?(batch: RecordBatch): boolean;
  /** Called with the position of a partition after batches that held nothing for us. */
  skipTo?(partition: TopicPartition, nextOffset: number): void;
}

/** Moments of the loop at which dying must be harmless. */
export type LoopMoment =
  | 'partitions-taken-over'
  | 'batch-fetched'
  | 'batch-applied'
  | 'emissions-acknowledged'
  | 'batch-settled'
  | 'offset-committed';
