import type { TopicName } from '../events/topics.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';
import { readFetched } from './cluster-internals.ts';
import type { PartitionInternals } from './cluster-internals.ts';
import { consumedRecord } from './consumed.ts';
import type { ConsumedRecord } from './consumed.ts';

const READ_COMMITTED = 1;
const PARTITION_BYTES = 4 * 1024 * 1024;
const FETCH_BYTES = 16 * 1024 * 1024;

/** What one fetch gave of one partition. */
export interface FetchedPartition {
  readonly partition: number;
  /** Committed records in order. */
  readonly records: readonly ConsumedRecord[];
  /** Where to read on: beyond what the log holds no record for, markers and compacted offsets. */
  readonly nextOffset: number;
}

/** Reads partitions of one topic from wherever its caller says, without a consumer group. */
export interface TopicReader {
  /** Returns the partitions that each broker leads, by its number. Throws retriable errors while Kafka is away. */
  leaders(): Promise<ReadonlyMap<number, readonly number[]>>;
  /**
   * Returns what a broker has of its partitions from these offsets on; waits up to `waitMs` for the first record. Throws
   * retriable errors; the next `leaders` asks the cluster anew then.
   */
  fetch(leader: number, positions: ReadonlyMap<number, number>, waitMs: number): Promise<FetchedPartition[]>;
  close(): Promise<void>;
}

/** Returns where to read on after an answer. An empty record batch, which compaction can leave, is stepped over. */
function nextOffsetOf(fetchedOffset: number, answer: PartitionInternals, lastOffset: string): number {
  if (answer.messages.length > 0) return Math.max(fetchedOffset, Number(lastOffset) + 1);
  return Number(answer.lastStableOffset) > fetchedOffset ? fetchedOffset + 1 : fetchedOffset;
}

/**
 * Returns a reader of a topic over connections of its own. kafkajs reads in consumer groups only, whose joins cost
 * seconds where the broker delays rebalances; its internal cluster can fetch without one.
 */
export function createTopicReader(kafka: KafkaClient, topic: TopicName): TopicReader {
  const cluster = kafka.openCluster();
  let connected: Promise<void> | undefined;
  let isStale = false;

  async function connect(): Promise<void> {
    await cluster.connect();
    await cluster.addTargetTopic(topic);
  }

  return {
    async leaders() {
      try {
        connected ??= connect();
        await connected;
        if (isStale) await cluster.refreshMetadata();
        isStale = false;
      } catch (error) {
        connected = undefined;
        throw kafkaError(`finding the leaders of ${topic}`, error);
      }
      const leaders = new Map<number, number[]>();
      for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) {
        leaders.set(leader, [...(leaders.get(leader) ?? []), partitionId]);
      }
      return leaders;
    },
    async fetch(leader, positions, waitMs) {
      try {
        const broker = await cluster.findBroker({ nodeId: leader });
        const partitions = [...positions].map(([partition, offset]) => ({
          partition,
          fetchOffset: String(offset),
          maxBytes: PARTITION_BYTES,
        }));
        const { responses } = await broker.fetch({
          isolationLevel: READ_COMMITTED,
          maxWaitTime: waitMs,
          minBytes: 1,
          maxBytes: FETCH_BYTES,
          topics: [{ topic, partitions }],
        });
        return responses.flatMap((response) =>
          response.partitions.map((answer) => {
            const { partition } = answer;
            const offset = positions.get(partition) ?? 0;
            const batch = readFetched(topic, String(offset), answer);
            return {
              partition,
              records: batch.messages.map((message) => consumedRecord(topic, partition, message)),
              nextOffset: nextOffsetOf(offset, answer, batch.lastOffset()),
            };
          }),
        );
      } catch (error) {
        isStale = true;
        throw kafkaError(`reading ${topic}`, error);
      }
    },
    close: () => cluster.disconnect().catch(() => undefined),
  };
}
