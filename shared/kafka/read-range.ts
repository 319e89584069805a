import type { TopicName } from '../events/topics.ts';
import { retryWhileRetriable } from '../runtime/retry.ts';
import type { KafkaClient } from './client.ts';
import type { ConsumedRecord } from './consumed.ts';
import { createTopicReader } from './topic-reader.ts';

const WAIT_MS = 250;

/** Which part of a partition to read. */
export interface RangeInput {
  readonly topic: TopicName;
  readonly partition: number;
  /** First offset. */
  readonly from: number;
  /** Reading ends at or beyond this offset, which must not be beyond the log's end. */
  readonly to: number;
  readonly signal?: AbortSignal;
}

/**
 * Yields the committed records of a part of the log in order, a fetch at a time, the offset to read on with each. What is
 * away is waited for. Ends when `to` is reached or the signal is aborted.
 */
export async function* readRange(
  kafka: KafkaClient,
  { topic, partition, from, to, signal }: RangeInput,
): AsyncGenerator<{ readonly records: readonly ConsumedRecord[]; readonly nextOffset: number }> {
  const reader = createTopicReader(kafka, topic);
  const retry = { what: `reading ${topic}`, log: kafka.log, ...(signal === undefined ? {} : { signal }) };
  let position = from;
  try {
    while (position < to && signal?.aborted !== true) {
      const fetched = await retryWhileRetriable(async () => {
        const leaders = await reader.leaders();
        const leader = [...leaders].find(([, partitions]) => partitions.includes(partition))?.[0];
        if (leader === undefined) throw new RangeError(`${topic} has no partition ${String(partition)}`);
        return (await reader.fetch(leader, new Map([[partition, position]]), WAIT_MS))[0];
      }, retry);
      if (fetched === undefined || fetched.nextOffset === position) continue;
      position = fetched.nextOffset;
      yield {
        records: fetched.records.filter(({ offset }) => offset < to),
        nextOffset: Math.min(position, to),
      };
    }
  } finally {
    await reader.close();
  }
}

/** Returns the record at an offset that is in the log, or undefined when there is none: a marker, or compacted away. */
export async function readRecordAt(
  kafka: KafkaClient,
  at: { readonly topic: TopicName; readonly partition: number; readonly offset: number },
): Promise<ConsumedRecord | undefined> {
  const { topic, partition, offset } = at;
  for await (const { records } of readRange(kafka, { topic, partition, from: offset, to: offset + 1 })) {
    return records[0];
  }
  return undefined;
}
