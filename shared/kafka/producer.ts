import type { Producer } from 'kafkajs';
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
    /** null is a tombstone. */
    readonly value: TopicRecords[Topic] | null;
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

interface KafkaMessage {
  key: string;
  value: Buffer | null;
  partition: number;
  headers?: Record<string, string>;
}

/** Returns records as kafkajs takes them: encoded and grouped by topic. */
export function encodeByTopic(
  codec: Codec,
  records: readonly OutRecord[],
): { topic: string; messages: KafkaMessage[] }[] {
  const byTopic = new Map<string, KafkaMessage[]>();
  for (const record of records) {
    const messages = byTopic.get(record.topic) ?? [];
    byTopic.set(record.topic, messages);
    messages.push({
      key: record.key,
      value: record.value === null ? null : codec.encode(record.topic, record.value),
      partition: record.partition,
      ...(record.headers === undefined ? {} : { headers: record.headers }),
    });
  }
  return [...byTopic].map(([topic, messages]) => ({ topic, messages }));
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
      const topicMessages = encodeByTopic(codec, records);
      const answers = await producer.sendBatch({ topicMessages, acks: -1 }).catch((error: unknown) => {
        throw kafkaError(`writing ${String(records.length)} records`, error);
      });
      const next = new Map<string, number>();
      for (const { topicName, partition, baseOffset } of answers) {
        next.set(`${topicName}/${String(partition)}`, Number(baseOffset ?? -1));
      }
      return records.map(({ topic, partition }) => {
        const key = `${topic}/${String(partition)}`;
        const offset = next.get(key) ?? -1;
        next.set(key, offset + 1);
        return { partition, offset };
      });
    },
    close: () => producer.disconnect(),
  };
}
