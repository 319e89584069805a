import { fork } from 'node:child_process';
import { join } from 'node:path';
import type { StartedSystem } from '../../support/system.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { WriterAsk } from './writer-messages.ts';

/** The topic that nobody reads: what is written there costs writer and broker what snapshots cost them, and routers nothing. */
const ELSEWHERE = 'bench-elsewhere';
const MIB = 1024 * 1024;

/** Where snapshots are written. */
const TOPIC_OF = { still: ELSEWHERE, swapping: 'snapshots.v1' } as const;

/** A process that writes snapshots of a model. */
export interface Writer {
  /**
   * Writes one every so many milliseconds: where routers read them, or elsewhere.
   *
   * @param ahead how many are made before the first is written, so that making them takes no processor from what is measured; default: none
   */
  start(where: keyof typeof TOPIC_OF, everyMs: number, ahead?: number): Promise<void>;
  stop(): Promise<void>;
  close(): void;
}

/** Makes the topic that nobody reads. */
export async function makeElsewhere(system: StartedSystem): Promise<void> {
  const admin = system.kafka.admin();
  await admin.connect();
  const config = {
    'max.message.bytes': 16 * MIB,
    'segment.bytes': 64 * MIB,
    'retention.bytes': 64 * MIB,
  };
  await admin.createTopics({
    topics: [
      {
        topic: ELSEWHERE,
        numPartitions: PARTITIONS,
        replicationFactor: 1,
        configEntries: Object.entries(config).map(([name, value]) => ({ name, value: String(value) })),
      },
    ],
  });
  await admin.disconnect();
}

/** Returns a writer of a model that has a snapshot. It ends with this process, however it ends. */
export async function openWriter(system: StartedSystem, model: string, spec: object): Promise<Writer> {
  const child = fork(join(import.meta.dirname, 'snapshot-writer.ts'));
  let answer = Promise.withResolvers<undefined>();
  child.on('message', () => {
    answer.resolve(undefined);
  });
  child.on('exit', (code) => {
    answer.reject(new Error(`the writer of snapshots has ended with ${String(code)}`));
  });
  const ask = (what: WriterAsk): Promise<undefined> => {
    answer = Promise.withResolvers();
    child.send(what);
    return answer.promise;
  };
  const { kafkaBrokers, schemaRegistryUrl } = system.stack;
  const brokers = kafkaBrokers.split(',');
  await ask({ kind: 'open', input: { brokers, schemaRegistryUrl, partitions: PARTITIONS, model, spec } });
  return {
    async start(where, everyMs, ahead = 0) {
      await ask({ kind: 'start', topic: TOPIC_OF[where], everyMs, ahead });
    },
    async stop() {
      await ask({ kind: 'stop' });
    },
    close() {
      child.disconnect();
    },
  };
}
