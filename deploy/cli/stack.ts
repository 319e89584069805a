import { createCodec } from '../../shared/events/codec.ts';
import type { Codec } from '../../shared/events/codec.ts';
import type { TopicName, TopicRecords } from '../../shared/events/topics.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { messageOf } from '../../shared/errors.ts';
import { createKafkaClient } from '../../shared/kafka/client.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import type { ConsumedRecord } from '../../shared/kafka/consumed.ts';
import { logRanges, partitionCounts } from '../../shared/kafka/partition-count.ts';
import { readRange } from '../../shared/kafka/read-range.ts';
import { silentLog } from '../../shared/observability/log.ts';
import { CliError, EXIT } from './io.ts';
import type { Io } from './io.ts';

/** Where Kafka and the schema registry are unless the environment says otherwise: the names that services take. */
const DEFAULTS = {
  KAFKA_BROKERS: '127.0.0.1:9092',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
  REDIS_URL: 'redis://127.0.0.1:6379',
} as const;

/** Returns an address of the stack. */
export function stackAddress(io: Pick<Io, 'env'>, name: keyof typeof DEFAULTS): string {
  return io.env[name] ?? DEFAULTS[name];
}

/** Returns the Kafka that the environment names. Nothing connects until it is used. */
export function kafkaOf(io: Pick<Io, 'env'>): KafkaClient {
  const brokers = stackAddress(io, 'KAFKA_BROKERS').split(',');
  return createKafkaClient({ brokers, clientId: 'headrace-cli', log: silentLog });
}

/** A record read from Kafka, with the place it stands at. */
export interface ReadRecord<Topic extends TopicName> {
  readonly value: TopicRecords[Topic];
  readonly source: ConsumedRecord;
}

/** Kafka as commands read it. */
export interface Reader {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  /** Yields the records of a partition from an offset to the end that it has now; what cannot be decoded is left out. */
  records<Topic extends TopicName>(
    topic: Topic,
    partition: number,
    from?: number,
  ): AsyncGenerator<ReadRecord<NonNullable<Topic>>>;
  /** Returns the partition of a model's records. */
  partitionOf(topic: TopicName, model: string): Promise<number>;
}

/** Returns a reader of the Kafka that the environment names; throws `unreachable` where there is none. */
export async function openReader(io: Io, topics: readonly TopicName[]): Promise<Reader> {
  const kafka = kafkaOf(io);
  const codec = createCodec(stackAddress(io, 'SCHEMA_REGISTRY_URL'), io.nowMs);
  let counts: ReadonlyMap<string, number>;
  try {
    counts = await partitionCounts(kafka, topics);
    await codec.prepare(topics);
  } catch (error) {
    throw new CliError(
      `kafka at ${stackAddress(io, 'KAFKA_BROKERS')}: ${messageOf(error)} (KAFKA_BROKERS and SCHEMA_REGISTRY_URL say where it is)`,
      EXIT.unreachable,
    );
  }
  return {
    kafka,
    codec,
    partitionOf: (topic, model) => Promise.resolve(partitionOf(shardKey(model, 0), counts.get(topic) ?? 1)),
    async *records(topic, partition, from) {
      const range = (await logRanges(kafka, topic)).get(partition) ?? { start: 0, end: 0 };
      const start = Math.max(range.start, from ?? range.start);
      if (start >= range.end) return;
      for await (const { records } of readRange(kafka, { topic, partition, from: start, to: range.end })) {
        await codec.learnWriters(records.map(({ value }) => value));
        for (const source of records) {
          if (source.value === null) continue;
          const decoded = codec.decode(topic, source.value);
          if (decoded.ok) yield { value: decoded.value, source };
        }
      }
    },
  };
}
