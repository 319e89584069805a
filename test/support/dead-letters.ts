import { waitUntil } from '../../deploy/local/wait-until.ts';
import { createCodec } from '../../shared/events/codec.ts';
import type { DeadLetter } from '../../shared/domain/events.ts';
import { followTopic } from '../../shared/kafka/topic-follower.ts';
import type { System } from './system.ts';

/** The dead letters of a running system. */
export interface DeadLetters {
  /** Returns the dead letter of a record; waits for it with a limit. */
  of(topic: string, partition: number, offset: number, service: string): Promise<DeadLetter>;
  readonly all: readonly DeadLetter[];
  stop(): Promise<void>;
}

/** Follows dead-letters.v1 from its start. */
export async function followDeadLetters(system: System): Promise<DeadLetters> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare(['dead-letters.v1']);
  const all: DeadLetter[] = [];
  const follower = await followTopic({
    topic: 'dead-letters.v1',
    kafka: system.kafka,
    codec,
    onRecord: ({ value }) => {
      if (value !== null) all.push(value);
    },
    onFatal: (error) => {
      throw error;
    },
  });
  return {
    all,
    of: (topic, partition, offset, service) =>
      waitUntil(
        () => {
          const found = all.find(
            (one) =>
              one.topic === topic &&
              one.partition === partition &&
              one.offset === offset &&
              one.service === service,
          );
          if (found === undefined) throw new Error(`${String(all.length)} dead letters, not this one`);
          return found;
        },
        {
          what: `the dead letter of ${topic}/${String(partition)}/${String(offset)} by ${service}`,
          limitMs: 15_000,
        },
      ),
    stop: () => follower.stop(),
  };
}
