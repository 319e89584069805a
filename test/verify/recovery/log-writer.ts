import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { retryWhileRetriable } from '../../../shared/runtime/retry.ts';
import type { LogMessage, LogWrite } from './fixed-log.ts';

const TOPIC = 'training-events.v1';
const WRITE_MESSAGES = 500;

/** Writes parts of a log, each exactly once. */
export interface LogWriter {
  write(writes: readonly LogWrite[]): Promise<void>;
  close(): Promise<void>;
}

/** Joins neighbouring plain writes, so that a part takes few requests. */
function joined(writes: readonly LogWrite[]): LogWrite[] {
  const out: { kind: LogWrite['kind']; messages: LogMessage[] }[] = [];
  for (const { kind, messages } of writes) {
    const last = out.at(-1);
    if (kind === 'plain' && last?.kind === 'plain' && last.messages.length < WRITE_MESSAGES)
      last.messages.push(...messages);
    else out.push({ kind, messages: [...messages] });
  }
  return out;
}

/**
 * Returns a writer to a broker that lives: nothing is repeated, so that the log is the same in every run. Kill the broker only
 * between two parts.
 */
export async function createLogWriter(kafka: KafkaClient): Promise<LogWriter> {
  const plain = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
  const transactional = kafka.producer({
    transactionalId: 'another-producer',
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await Promise.all([plain.connect(), transactional.connect()]);
  return {
    async write(writes) {
      for (const { kind, messages } of joined(writes)) {
        const toSend = { topic: TOPIC, messages: [...messages], acks: -1 };
        if (kind === 'plain') {
          await retryWhileRetriable(() => plain.send(toSend), { what: 'writing the log', log: kafka.log });
          continue;
        }
        const transaction = await transactional.transaction();
        await transaction.send(toSend);
        if (kind === 'committed') await transaction.commit();
        else await transaction.abort();
      }
    },
    async close() {
      await Promise.allSettled([plain.disconnect(), transactional.disconnect()]);
    },
  };
}
