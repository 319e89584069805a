import { retryWhileRetriable } from '../runtime/retry.ts';
import type { RetryOptions } from '../runtime/retry.ts';
import type { OutRecord, RecordProducer } from './producer.ts';

/** Records on their way to Kafka, in order, one write at a time. */
export interface Outbox {
  /** Adds records to the next write, which begins at once when none is under way. */
  add(records: readonly OutRecord[]): void;
  /** How many `add`s are not acknowledged yet. */
  readonly waiting: () => number;
  /** Resolves when everything added so far is acknowledged; throws what made a write impossible. */
  drained(): Promise<void>;
}

/** What an outbox needs. */
export interface OutboxDeps {
  readonly producer: RecordProducer;
  readonly retry: Omit<RetryOptions, 'what'>;
  /** Called whenever nothing is on its way any more. */
  readonly onDrained: () => void;
  /** Called when a write failed for good. */
  readonly onFatal: (error: unknown) => void;
}

/**
 * Returns an outbox. What is added while a write is under way goes out together in the next one, so the order of records
 * stays and a slow broker makes writes larger, not longer waits.
 */
export function createOutbox({ producer, retry, onDrained, onFatal }: OutboxDeps): Outbox {
  let queue: OutRecord[] = [];
  let waiting = 0;
  let sending: Promise<void> | undefined;

  async function sendAll(): Promise<void> {
    while (queue.length > 0) {
      const records = queue;
      const adds = waiting;
      queue = [];
      await retryWhileRetriable(() => producer.send(records), { ...retry, what: 'writing what was decided' });
      waiting -= adds;
    }
  }

  function begin(): void {
    sending = sendAll();
    sending
      .then(() => {
        sending = undefined;
        onDrained();
      })
      .catch(onFatal); // `sending` stays, so that nobody takes the records for written
  }

  return {
    add(records) {
      if (records.length === 0) return;
      queue.push(...records);
      waiting += 1;
      if (sending === undefined) begin();
    },
    waiting: () => waiting,
    async drained() {
      while (sending !== undefined) await sending;
    },
  };
}
