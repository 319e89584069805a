import type { PartitionLag } from '../domain/operator-views.ts';
import type { TopicName } from '../events/topics.ts';
import { kafkaError } from './client.ts';
import type { KafkaClient } from './client.ts';
import { createRangeReader } from './partition-count.ts';

/** Consumer groups under their usual names, and the topics that each reads. */
export const CONSUMER_GROUPS = {
  'headrace-ingest-join': ['predictions.v1', 'labels.v1'],
  'headrace-online-learner': ['training-events.v1'],
  'headrace-monitor': ['training-events.v1', 'predictions.v1', 'scores.v1'],
} as const satisfies Readonly<Record<string, readonly TopicName[]>>;

/** Returns how far each consumer group is behind on partitions that hold anything, the furthest first. */
export async function consumerLag(kafka: KafkaClient): Promise<readonly PartitionLag[]> {
  const admin = kafka.admin();
  const reader = createRangeReader(kafka);
  const rows: PartitionLag[] = [];
  try {
    await admin.connect();
    for (const [group, topics] of Object.entries(CONSUMER_GROUPS)) {
      const read = await admin.fetchOffsets({ groupId: group, topics: [...topics] });
      for (const { topic, partitions } of read) {
        const ends = await reader.ranges(topic as TopicName);
        for (const { partition, offset } of partitions) {
          const { start = 0, end = 0 } = ends.get(partition) ?? {};
          const committed = Math.max(Number(offset), start);
          if (end > start)
            rows.push({ group, topic, partition, committed, end, lag: Math.max(0, end - committed) });
        }
      }
    }
  } catch (error) {
    throw kafkaError('reading how far consumers are', error);
  } finally {
    await Promise.all([admin.disconnect().catch(() => undefined), reader.close()]);
  }
  return rows.sort((a, b) => b.lag - a.lag);
}
