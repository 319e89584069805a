import type { Admin } from 'kafkajs';
import type { TopicName } from '../events/topics.ts';
import { HeadraceError } from '../errors.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';

/** Returns the partition count of each topic; throws `kafka-topic-missing` naming every topic that does not exist. */
export async function partitionCounts(
  kafka: KafkaClient,
  topics: readonly TopicName[],
): Promise<ReadonlyMap<TopicName, number>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length > 0) {
      throw new HeadraceError(`topics missing: ${missing.join(', ')}; run \`npm run topics\` to make them`, {
        code: 'kafka-topic-missing',
        retriable: true,
      });
    }
    const { topics: described } = await admin.fetchTopicMetadata({ topics: [...topics] });
    return new Map(described.map(({ name, partitions }) => [name as TopicName, partitions.length]));
  } catch (error) {
    throw kafkaError('reading the topics', error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** First and next-to-be-written offset of one partition. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

async function rangesWith(admin: Admin, topic: TopicName): Promise<ReadonlyMap<number, LogRange>> {
  try {
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(
      offsets.map(({ partition, low, high }) => [partition, { start: Number(low), end: Number(high) }]),
    );
  } catch (error) {
    throw kafkaError(`reading the offsets of ${topic}`, error);
  }
}

/** Returns the range of every partition of a topic, by partition number, over a connection of its own. */
export async function logRanges(
  kafka: KafkaClient,
  topic: TopicName,
): Promise<ReadonlyMap<number, LogRange>> {
  const reader = createRangeReader(kafka);
  try {
    return await reader.ranges(topic);
  } finally {
    await reader.close();
  }
}

/** Reads log ranges again and again over one connection. */
export interface RangeReader {
  ranges(topic: TopicName): Promise<ReadonlyMap<number, LogRange>>;
  close(): Promise<void>;
}

/** Returns a reader that connects at its first use. */
export function createRangeReader(kafka: KafkaClient): RangeReader {
  const admin = kafka.admin();
  let connected: Promise<void> | undefined;
  return {
    async ranges(topic) {
      connected ??= admin.connect();
      await connected.catch((error: unknown) => {
        connected = undefined;
        throw kafkaError(`reading the offsets of ${topic}`, error);
      });
      return rangesWith(admin, topic);
    },
    close: () => admin.disconnect().catch(() => undefined),
  };
}

/** Returns the offset of the first record at or after a time, or `otherwise` when there is none. */
export async function offsetAtTime(
  kafka: KafkaClient,
  { topic, partition }: { readonly topic: TopicName; readonly partition: number },
  timeMs: number,
  otherwise: number,
): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, timeMs);
    const found = Number(offsets.find((one) => one.partition === partition)?.offset ?? -1);
    return found < 0 ? otherwise : found;
  } catch (error) {
    throw kafkaError(`reading the offsets of ${topic}`, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
