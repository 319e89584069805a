import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { parseShardKey } from '../../shared/domain/shard.ts';
import { watermarkOf } from './domain/watermark.ts';
import type { JoinProgress, JoinStore, LogRange, RecordBatch } from './ports.ts';

/** The topics that the join reads. */
export const JOINED_TOPICS = ['predictions.v1', 'labels.v1'] as const;

/** One of them. */
export type JoinedTopic = (typeof JOINED_TOPICS)[number];

/** A watermark that moved by this share of the label window is worth a record of its own. */
const WATERMARK_SHARE = 0.01;

/** What the watermarks need. */
export interface JoinWatermarksDeps {
  readonly directory: () => ModelDirectory;
  /** Returns the range of every partition of a topic as it is now. */
  readonly logRanges: (topic: JoinedTopic) => Promise<ReadonlyMap<number, LogRange>>;
  /** Returns the next offset to read of a partition. */
  readonly readTo: (topic: JoinedTopic, partition: number) => number;
}

/** A batch of one shard whose records have all been taken. */
export interface ConsumedBatch {
  readonly key: string;
  /** How far the shard had been consumed before. */
  readonly before: JoinProgress;
  readonly batch: RecordBatch;
  /** Newest event time among the shard's records in the batch, ms; 0 without any. */
  readonly newestMs: number;
  readonly store: JoinStore;
}

/** How far shards are complete. */
export interface JoinWatermarks {
  /** Returns the least move of a shard's watermark that is worth anything, ms. */
  windowShareMs(key: string): number;
  /** Returns how far a shard has been consumed when a batch is done, and the watermark that follows from it now. */
  progressOf(consumed: ConsumedBatch): Promise<JoinProgress>;
}

/** Returns the watermarks of the join's shards. */
export function createJoinWatermarks({ directory, logRanges, readTo }: JoinWatermarksDeps): JoinWatermarks {
  /** Asks the broker, because what was the end a moment ago need not be: a label that is unread must hold the watermark. */
  async function isReadToEnd(topic: JoinedTopic, batch: RecordBatch): Promise<boolean> {
    const { partition } = batch;
    const read = topic === batch.topic ? batch.nextOffset : readTo(topic, partition);
    return read >= ((await logRanges(topic)).get(partition)?.end ?? 0);
  }

  function windowShareMs(key: string): number {
    const windowMs = directory().get(parseShardKey(key)?.model ?? '')?.spec.label.windowMs ?? 0;
    return windowMs * WATERMARK_SHARE;
  }

  return {
    windowShareMs,
    async progressOf({ key, before, batch, newestMs, store }) {
      const isPredictions = batch.topic === 'predictions.v1';
      const predictions = isPredictions ? Math.max(before.predictions, newestMs) : before.predictions;
      const labels = isPredictions ? before.labels : Math.max(before.labels, newestMs);
      const watermarkWith = (isAtEnd: Record<JoinedTopic, boolean>): number =>
        Math.max(
          before.watermarkMs,
          watermarkOf(
            { eventTimeMs: predictions, isAtEnd: isAtEnd['predictions.v1'] },
            { eventTimeMs: labels, isAtEnd: isAtEnd['labels.v1'] },
          ),
        );
      const best = watermarkWith({ 'predictions.v1': true, 'labels.v1': true });
      const isIdle = best - before.watermarkMs < windowShareMs(key) && !(await store.hasDue(key, best));
      if (isIdle) return { predictions, labels, watermarkMs: before.watermarkMs };
      const [p, l] = [await isReadToEnd('predictions.v1', batch), await isReadToEnd('labels.v1', batch)];
      return { predictions, labels, watermarkMs: watermarkWith({ 'predictions.v1': p, 'labels.v1': l }) };
    },
  };
}
