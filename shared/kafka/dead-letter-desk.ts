import type { DeadLetter } from '../domain/events.ts';
import { HeadraceError } from '../errors.ts';
import type { Codec } from '../events/codec.ts';
import { TOPICS } from '../events/topics.ts';
import { kafkaError } from './client.ts';
import type { KafkaClient } from './client.ts';
import { logRanges } from './partition-count.ts';
import { readRange } from './read-range.ts';

const TOPIC = 'dead-letters.v1';

/** A record that was set aside, with what it is named by. */
export interface NumberedLetter extends DeadLetter {
  /** Its own offset on dead-letters.v1. */
  readonly number: number;
}

/** Where a record was put back. */
export interface Redriven {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** Reads dead letters and puts records back. */
export interface DeadLetterDesk {
  /** Returns the newest letters, or the newest below a number, oldest first. */
  newest(count: number, before?: number): Promise<readonly NumberedLetter[]>;
  /** Returns one letter; undefined when there is none of the number. */
  one(number: number): Promise<NumberedLetter | undefined>;
  /**
   * Puts the record of a letter back on its topic and partition as it came, and waits for the acknowledgement of all replicas. Throws
   * RangeError when it has no value or its topic is none of ours.
   */
  redrive(letter: NumberedLetter): Promise<Redriven>;
}

/** Returns a desk. The codec must know the schemas of dead letters. */
export function createDeadLetterDesk(kafka: KafkaClient, codec: Codec): DeadLetterDesk {
  async function range(): Promise<{ start: number; end: number }> {
    return (await logRanges(kafka, TOPIC)).get(0) ?? { start: 0, end: 0 };
  }

  async function lettersOf(from: number, to: number): Promise<NumberedLetter[]> {
    const letters: NumberedLetter[] = [];
    for await (const { records } of readRange(kafka, { topic: TOPIC, partition: 0, from, to })) {
      await codec.learnWriters(records.map(({ value }) => value));
      for (const { value, offset } of records) {
        const decoded = value === null ? undefined : codec.decode(TOPIC, value);
        if (decoded?.ok === true && offset >= from) letters.push({ ...decoded.value, number: offset });
      }
    }
    return letters;
  }

  return {
    async newest(count, before) {
      const { start, end } = await range();
      const to = Math.min(end, before ?? end);
      const from = Math.max(start, to - count);
      return from >= to ? [] : lettersOf(from, to);
    },
    async one(number) {
      const { start, end } = await range();
      if (number < start || number >= end) return undefined;
      return (await lettersOf(number, number + 1)).find((letter) => letter.number === number);
    },
    async redrive({ number, key, value, topic, partition }) {
      if (value === null) throw new RangeError(`dead letter ${String(number)} has no value to send again`);
      if (!TOPICS.some(({ name }) => name === topic))
        throw new RangeError(
          `dead letter ${String(number)} came from ${topic}, allowed topics of this system`,
        );
      const producer = kafka.producer({ idempotent: true });
      try {
        await producer.connect();
        const message = { key: key === null ? null : Buffer.from(key), value: Buffer.from(value), partition };
        const [written] = await producer.send({ topic, messages: [message], acks: -1 });
        if (written?.baseOffset === undefined)
          throw new HeadraceError(`putting dead letter ${String(number)} back: no acknowledgement`, {
            code: 'kafka-unavailable',
            retriable: true,
          });
        return { topic, partition, offset: written.baseOffset };
      } catch (error) {
        throw kafkaError(`putting dead letter ${String(number)} back`, error);
      } finally {
        await producer.disconnect().catch(() => undefined);
      }
    },
  };
}
