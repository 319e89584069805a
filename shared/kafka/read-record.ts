import { randomUUID } from 'node:crypto';
import { HeadraceError } from '../errors.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';
import { consumedRecord } from './consumed.ts';
import type { ConsumedRecord, TopicPartition } from './consumed.ts';

const READ_LIMIT_MS = 15_000;

/**
 * Returns the first record at or after an offset that is known to be in the log; throws a retriable error when none
 * came within 15 s. Reads in a group of its own that never commits.
 */
export async function readRecordAt(
  kafka: KafkaClient,
  { topic, partition }: TopicPartition,
  offset: number,
): Promise<ConsumedRecord> {
  const consumer = kafka.consumer({
    groupId: `headrace-read-${randomUUID()}`,
    maxWaitTimeInMs: 100,
    allowAutoTopicCreation: false,
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    return await new Promise<ConsumedRecord>((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new HeadraceError(
            `reading ${topic}/${String(partition)} at ${String(offset)}: nothing within ${String(READ_LIMIT_MS)} ms`,
            {
              code: 'kafka-unavailable',
              retriable: true,
            },
          ),
        );
      }, READ_LIMIT_MS);
      consumer
        .run({
          autoCommit: false,
          eachBatchAutoResolve: true,
          eachBatch: ({ batch }) => {
            if (batch.partition !== partition) return Promise.resolve();
            const found = batch.messages.find((message) => Number(message.offset) >= offset);
            if (found !== undefined) {
              clearTimeout(timer);
              resolve(consumedRecord(topic, partition, found));
            }
            return Promise.resolve();
          },
        })
        .catch(reject);
      consumer.seek({ topic, partition, offset: String(offset) });
    });
  } catch (error) {
    throw kafkaError(`reading ${topic}/${String(partition)} at ${String(offset)}`, error);
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}
