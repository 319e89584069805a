import type { Message, Producer } from 'kafkajs';
import { AvroBody } from '../domain/avro-writer.ts';
import type { TopicRecords, TopicName } from '../events/topics.ts';
import type { Codec } from '../events/codec.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';

/** A record to be written: its topic decides the type of its value. The partition is always explicit. */
export type OutRecord = {
  [Topic in TopicName]: {
    readonly topic: Topic;
    readonly key: string;
    readonly partition: number;
    /** A record, the body of one where it is encoded by hand, or null for a tombstone. */
    readonly value:
      TopicRecords[Topic] | (Topic extends 'scores.v1' | 'predictions.v1' ? AvroBody : never) | null;
    readonly headers?: Readonly<Record<string, string>>;
  };
}[TopicName];

/** Where a record went. */
export interface Written {
  readonly partition: number;
  readonly offset: number;
}

/** Writes typed records; every acknowledged record is on all in-sync replicas. */
export interface RecordProducer {
  /**
   * Writes all records and returns where each went, in their order. Throws a retriable HeadraceError when the
   * broker is away; nothing is known of the records then, so the caller sends the same again (ids make a repeat
   * harmless).
   */
  send(records: readonly OutRecord[]): Promise<Written[]>;
  close(): Promise<void>;
}

/** An encoded record. */
interface EncodedMessage {
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly value: Buffer | null;
  readonly headers?: Record<string, string>;
}

/**
 * Bytes that one write sends to one partition: kafkajs makes one batch of them, and the broker measures the batch, not its
 * records, against the topic's limit.
 */
const PARTITION_BYTES_PER_WRITE = 1024 * 1024;

function bytesOf<Topic extends TopicName>(
  codec: Codec,
  topic: Topic,
  value: TopicRecords[Topic] | AvroBody,
): Buffer {
  return value instanceof AvroBody ? codec.frame(topic, value) : codec.encode(topic, value);
}

function encode(codec: Codec, { topic, key, partition, value, headers }: OutRecord): EncodedMessage {
  const bytes = value === null ? null : bytesOf(codec, topic, value);
  return { topic, partition, key, value: bytes, ...(headers === undefined ? {} : { headers }) };
}

/** Returns messages as kafkajs takes them. */
function byTopic(messages: readonly EncodedMessage[]): { topic: string; messages: Message[] }[] {
  const topics = new Map<string, Message[]>();
  for (const { topic, ...message } of messages) {
    const known = topics.get(topic) ?? [];
    topics.set(topic, known);
    known.push(message);
  }
  return [...topics].map(([topic, ofTopic]) => ({ topic, messages: ofTopic }));
}

/** Returns records as kafkajs takes them: encoded and grouped by topic. */
export function encodeByTopic(
  codec: Codec,
  records: readonly OutRecord[],
): { topic: string; messages: Message[] }[] {
  return byTopic(records.map((record) => encode(codec, record)));
}

/** Returns messages in writes of which none sends a partition too much; the order within a partition stays. */
export function inWrites<M extends { topic: string; partition: number; value: Uint8Array | null }>(
  messages: readonly M[],
  bytesMax: number = PARTITION_BYTES_PER_WRITE,
): M[][] {
  const writes: M[][] = [];
  const filled = new Map<string, { write: number; bytes: number }>();
  for (const message of messages) {
    const key = `${message.topic}/${String(message.partition)}`;
    const size = message.value?.length ?? 0;
    const last = filled.get(key) ?? { write: 0, bytes: 0 };
    const isFull = last.bytes > 0 && last.bytes + size > bytesMax;
    const next = isFull
      ? { write: last.write + 1, bytes: size }
      : { write: last.write, bytes: last.bytes + size };
    filled.set(key, next);
    (writes[next.write] ??= []).push(message);
  }
  return writes;
}

/** Returns a connected producer with acks=all. The codec must have been prepared for every topic that is sent. */
export async function createRecordProducer(kafka: KafkaClient, codec: Codec): Promise<RecordProducer> {
  const producer: Producer = kafka.producer();
  await producer.connect().catch((error: unknown) => {
    throw kafkaError('connecting the producer', error);
  });
  return {
    async send(records) {
      if (records.length === 0) return [];
      const messages = records.map((record) => encode(codec, record));
      const offsets = new Map<EncodedMessage, number>();
      for (const write of inWrites(messages)) {
        const answers = await producer
          .sendBatch({ topicMessages: byTopic(write), acks: -1 })
          .catch((error: unknown) => {
            throw kafkaError(`writing ${String(write.length)} records`, error);
          });
        const next = new Map<string, number>();
        for (const { topicName, partition, baseOffset } of answers) {
          next.set(`${topicName}/${String(partition)}`, Number(baseOffset ?? -1));
        }
        for (const message of write) {
          const key = `${message.topic}/${String(message.partition)}`;
          const offset = next.get(key) ?? -1;
          offsets.set(message, offset);
          next.set(key, offset + 1);
        }
      }
      return messages.map((message) => ({
        partition: message.partition,
        offset: offsets.get(message) ?? -1,
      }));
    },
    close: () => producer.disconnect(),
  };
}
