import type { Codec } from '../events/codec.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';
import { encodeByTopic } from './producer.ts';
import type { OutRecord } from './producer.ts';

/** Writes records all or nothing, fenced by a transactional id. */
export interface TransactionalProducer {
  /**
   * Writes all records in one transaction. Any failure is final: after a failed commit or a fence nothing is known of
   * this producer's state, so the process must end and read the log again.
   */
  commit(records: readonly OutRecord[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * Returns a producer after it has fenced every earlier one with the same transactional id. kafkajs asks for its producer
 * id, which is what fences, only at the first transaction: so an empty one is opened and aborted here.
 */
export async function openTransactionalProducer(
  kafka: KafkaClient,
  codec: Codec,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 15_000,
  });
  try {
    await producer.connect();
    const first = await producer.transaction();
    await first.abort();
  } catch (error) {
    throw kafkaError(`fencing earlier writers of ${transactionalId}`, error);
  }
  return {
    async commit(records) {
      const transaction = await producer.transaction();
      try {
        await transaction.sendBatch({ topicMessages: encodeByTopic(codec, records), acks: -1 });
      } catch (error) {
        await transaction.abort().catch(() => undefined); // the process ends anyway, and the broker times it out
        throw kafkaError('writing a transaction', error);
      }
      await transaction.commit().catch((error: unknown) => {
        throw kafkaError('committing a transaction', error);
      });
    },
    close: () => producer.disconnect(),
  };
}
