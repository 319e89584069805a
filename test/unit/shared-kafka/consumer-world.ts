import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { GroupConsumerDeps } from '../../../shared/kafka/group-consumer-deps.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { noTracing } from '../../../shared/observability/tracing.ts';

/** A consumer of kafkajs that a test plays: it joins and delivers what the test says. */
export interface ConsumerWorld {
  readonly deps: Omit<GroupConsumerDeps, 'handler' | 'topics'>;
  /** Every seek that was asked for, in order. */
  readonly seeks: { topic: string; partition: number; offset: string }[];
  /** The group gives us partitions. */
  join(assignment: Readonly<Record<string, readonly number[]>>): void;
  /** Returns a batch of labels or predictions, offsets from … to - 1, of partition 0. */
  batch(topic: string, from: number, to: number): unknown;
  eachBatch(payload: EachBatchPayload): Promise<void>;
  /** From now on the group answers heartbeats with this. */
  heartbeatFails(error: Error): void;
  /** From now on heartbeats are answered when this resolves. */
  heartbeatTakes(answer: Promise<void>): void;
}

/** Returns the loop's world: nothing of it is kafkajs's. */
export function createConsumerWorld(): ConsumerWorld {
  const listeners = new Map<string, ((event: unknown) => void)[]>();
  const seeks: ConsumerWorld['seeks'] = [];
  let eachBatch: (payload: EachBatchPayload) => Promise<void> = () => Promise.reject(new Error('not run'));
  let heartbeat = (): Promise<void> => Promise.resolve();
  const done = (): Promise<void> => Promise.resolve();
  const consumer = {
    events: {
      GROUP_JOIN: 'join',
      END_BATCH_PROCESS: 'end',
      FETCH: 'fetch',
      HEARTBEAT: 'heartbeat',
      CRASH: 'crash',
    },
    on(event: string, listener: (event: unknown) => void) {
      listeners.set(event, [...(listeners.get(event) ?? []), listener]);
    },
    connect: done,
    subscribe: done,
    run(config: { eachBatch: typeof eachBatch }) {
      eachBatch = config.eachBatch;
      return done();
    },
    seek: (to: ConsumerWorld['seeks'][number]) => seeks.push(to),
    commitOffsets: done,
  };
  const kafka = { log: silentLog, consumer: () => consumer as unknown as Consumer };
  return {
    deps: {
      service: 'test',
      groupId: 'test',
      kafka: kafka as unknown as GroupConsumerDeps['kafka'],
      codec: {
        learnWriters: done,
        decode: () => ({ ok: true, value: {} }),
      } as unknown as GroupConsumerDeps['codec'],
      producer: { send: () => Promise.resolve([]), close: done },
      observe: { batch: () => undefined },
      tracing: noTracing,
      partitions: 1,
      nowMs: () => 0,
      onFatal: (error) => {
        throw error;
      },
    },
    seeks,
    join(memberAssignment) {
      for (const listener of listeners.get('join') ?? []) listener({ payload: { memberAssignment } });
    },
    batch(topic, from, to) {
      const messages = Array.from({ length: to - from }, (_, index) => ({
        offset: String(from + index),
        key: null,
        value: Buffer.from('x'),
        timestamp: '0',
      }));
      return {
        batch: {
          topic,
          partition: 0,
          messages,
          fetchedOffset: String(from),
          highWatermark: String(to),
          firstOffset: () => String(from),
          lastOffset: () => String(to - 1),
        },
        heartbeat: () => heartbeat(),
      };
    },
    eachBatch: (payload) => eachBatch(payload),
    heartbeatFails: (error) => {
      heartbeat = () => Promise.reject(error);
    },
    heartbeatTakes: (answer) => {
      heartbeat = () => answer;
    },
  };
}
