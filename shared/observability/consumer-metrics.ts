import type { OutRecord } from '../kafka/producer.ts';
import type { RecordBatch } from '../kafka/record-batch.ts';
import type { Metrics } from './metrics.ts';

/** What a consumer loop tells its metrics. */
export interface ConsumerObserver {
  /** One batch was handled, and this is to be written because of it. */
  batch(batch: RecordBatch, out: readonly OutRecord[]): void;
}

/** Returns the metrics of a consumer loop, the same in every service that has one. */
export function createConsumerMetrics(metrics: Metrics): ConsumerObserver {
  const lag = metrics.gauge(
    'headrace_consumer_lag_records',
    'Offsets between the newest batch handled and the end of its partition when it was fetched.',
    ['topic', 'partition'],
  );
  const deadLetters = metrics.counter(
    'headrace_consumer_dead_letters_total',
    'Dead letters by the topic that they come from and the reason.',
    ['topic', 'reason'],
  );
  return {
    batch({ topic, partition, highWatermark, nextOffset }, out) {
      lag.set({ topic, partition: String(partition) }, Math.max(0, highWatermark - nextOffset));
      for (const record of out) {
        if (record.topic === 'dead-letters.v1' && record.value !== null)
          deadLetters.inc({ topic, reason: record.value.reason });
      }
    },
  };
}
