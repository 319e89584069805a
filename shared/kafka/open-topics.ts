import { hostname } from 'node:os';
import { brokersOf, instanceOf } from '../config/load-config.ts';
import { createCodec } from '../events/codec.ts';
import type { Codec } from '../events/codec.ts';
import type { TopicName } from '../events/topics.ts';
import type { Log } from '../observability/log.ts';
import { retryWhileRetriable } from '../runtime/retry.ts';
import { createKafkaClient } from './client.ts';
import { evictFormerSelf } from './evict-former-self.ts';
import type { KafkaClient } from './client.ts';
import { partitionCounts } from './partition-count.ts';
import { createRecordProducer } from './producer.ts';
import type { RecordProducer } from './producer.ts';

/** What a service brings to Kafka. */
export interface OpenTopicsInput {
  readonly service: string;
  readonly settings: {
    readonly KAFKA_BROKERS: string;
    readonly SCHEMA_REGISTRY_URL: string;
    readonly INSTANCE_ID: string;
    readonly HTTP_PORT: number;
  };
  /** Every topic the service reads or writes: all must exist, with our schemas registered. */
  readonly topics: readonly TopicName[];
  readonly log: Log;
  readonly nowMs: () => number;
  readonly signal: AbortSignal;
  /** Consumer group that the process will join: a former self of it is made to leave meanwhile. */
  readonly groupId?: string;
  /** Told what is waited for, in words. */
  readonly onWait?: (what: string) => void;
}

/** Kafka as a service uses it. */
export interface OpenedTopics {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly producer: RecordProducer;
  /** Partition count of the sharded topics. */
  readonly partitions: number;
}

/** Waits until every topic and schema that the service needs is there, and returns the means to use them. */
export async function openTopics(input: OpenTopicsInput): Promise<OpenedTopics> {
  const { service, settings, topics, log, signal, onWait } = input;
  const kafka = createKafkaClient({
    brokers: brokersOf(settings.KAFKA_BROKERS),
    clientId: `headrace-${service}@${instanceOf(settings, hostname())}`,
    log,
  });
  const codec = createCodec(settings.SCHEMA_REGISTRY_URL, input.nowMs);
  const wait = <T>(what: string, attempt: () => Promise<T>): Promise<T> => {
    onWait?.(what);
    return retryWhileRetriable(attempt, { what, log, signal });
  };
  const [counts, producer] = await Promise.all([
    wait('topics', () => partitionCounts(kafka, topics)),
    wait('the producer', () => createRecordProducer(kafka, codec)),
    wait('schemas', () => codec.prepare(topics)),
    input.groupId === undefined ? undefined : evictFormerSelf(kafka, input.groupId),
  ]);
  return { kafka, codec, producer, partitions: Math.max(...counts.values()) };
}
