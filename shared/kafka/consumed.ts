import type { KafkaMessage } from 'kafkajs';
import type { TopicName } from '../events/topics.ts';

/** A partition of a topic that we read. */
export interface TopicPartition {
  readonly topic: TopicName;
  readonly partition: number;
}

/** A record as it came from Kafka. */
export interface ConsumedRecord extends TopicPartition {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Timestamp of the record, ms since the Unix epoch. */
  readonly timestampMs: number;
  /** W3C trace context, when the producer sent one. */
  readonly traceparent: string | undefined;
}

/** Returns our form of a kafkajs message. */
export function consumedRecord(topic: TopicName, partition: number, message: KafkaMessage): ConsumedRecord {
  const traceparent = message.headers?.['traceparent'];
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    timestampMs: Number(message.timestamp),
    traceparent: Buffer.isBuffer(traceparent) ? traceparent.toString('latin1') : undefined,
  };
}

/** Returns one string for a topic-partition, for maps. */
export function topicPartitionKey(topic: string, partition: number): string {
  return `${topic}/${String(partition)}`;
}
