import { shardKey } from '../../../shared/domain/shard.ts';
import type { Milestone } from '../../../shared/domain/events.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import { createRecordProducer } from '../../../shared/kafka/producer.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { System } from '../../support/system.ts';

const TOPIC = 'milestones.v1';

/** The milestones of one model on Kafka, for whoever damages them. */
export interface StoredMilestones {
  /** Writes a record of the newest milestone again with harmed bytes; null deletes the record. */
  harmNewest(harm: (bytes: Buffer) => Buffer | null): Promise<void>;
  deleteAll(): Promise<void>;
}

interface Kept {
  readonly partition: number;
  readonly value: Milestone;
}

/** Returns the milestones of a model as they are on Kafka whenever they are asked for. */
export function storedMilestones(system: System, model: string): StoredMilestones {
  async function read(): Promise<Map<string, Kept>> {
    const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
    await codec.prepare([TOPIC]);
    const kept = new Map<string, Kept>();
    const follower = await followTopic({
      topic: TOPIC,
      kafka: system.kafka,
      codec,
      onRecord: ({ source, value }) => {
        const key = Buffer.from(source.key ?? []).toString();
        if (!key.startsWith(`${shardKey(model, 0)}/`)) return;
        if (value === null) kept.delete(key);
        else kept.set(key, { partition: source.partition, value });
      },
      onFatal: (error) => {
        throw error;
      },
    });
    await follower.caughtUp;
    await follower.stop();
    return kept;
  }

  async function write(records: readonly { key: string; kept: Kept; bytes: Buffer | null }[]): Promise<void> {
    const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
    await codec.prepare([TOPIC]);
    const producer = await createRecordProducer(system.kafka, codec);
    try {
      await producer.send(
        records.map(({ key, kept: { partition, value }, bytes }) => ({
          topic: TOPIC,
          key,
          partition,
          value: bytes === null ? null : { ...value, bytes },
        })),
      );
    } finally {
      await producer.close();
    }
  }

  return {
    async harmNewest(harm) {
      const kept = [...(await read())];
      const newest = Math.max(...kept.map(([, { value }]) => value.position));
      const [found] = kept.filter(([, { value }]) => value.position === newest);
      if (found === undefined) throw new TypeError(`model ${model} has no milestone`);
      const [key, one] = found;
      await write([{ key, kept: one, bytes: harm(Buffer.from(one.value.bytes)) }]);
    },
    async deleteAll() {
      await write([...(await read())].map(([key, kept]) => ({ key, kept, bytes: null })));
    },
  };
}
