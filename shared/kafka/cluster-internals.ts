import { createRequire } from 'node:module';
import type { KafkaMessage } from 'kafkajs';

/** A kafkajs broker, as far as it is used. */
export interface BrokerInternals {
  fetch(input: {
    isolationLevel: number;
    maxWaitTime: number;
    minBytes: number;
    maxBytes: number;
    topics: {
      topic: string;
      partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
    }[];
  }): Promise<{ responses: { partitions: PartitionInternals[] }[] }>;
}

/** What a broker answers of one partition. */
export interface PartitionInternals {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset: string;
  readonly messages: readonly KafkaMessage[];
}

/** What is used of kafkajs's internal cluster and broker. */
export interface ClusterInternals {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addTargetTopic(topic: string): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findBroker(input: { nodeId: number }): Promise<BrokerInternals>;
  findGroupCoordinator(input: { groupId: string }): Promise<{
    describeGroups(input: { groupIds: string[] }): Promise<{
      groups: { state: string; members: { memberId: string; clientId: string }[] }[];
    }>;
    leaveGroup(input: { groupId: string; memberId: string }): Promise<unknown>;
  }>;
}

/** kafkajs's own reading of a fetch: without aborted records and markers, without what lies before the wanted offset. */
export interface BatchInternals {
  readonly rawMessages: readonly KafkaMessage[];
  readonly messages: readonly KafkaMessage[];
  lastOffset(): string;
}

/** Returns kafkajs's reading of what a broker answered. */
export const readFetched = ((): ((
  topic: string,
  fetchedOffset: string,
  answer: PartitionInternals,
) => BatchInternals) => {
  const Batch = createRequire(import.meta.url)('kafkajs/src/consumer/batch.js') as new (
    topic: string,
    fetchedOffset: string,
    answer: PartitionInternals,
  ) => BatchInternals;
  return (topic, fetchedOffset, answer) => new Batch(topic, fetchedOffset, answer);
})();
