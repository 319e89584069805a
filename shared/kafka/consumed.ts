import type { KafkaMessage } from 'kafkajs';
import type { ByteSpan } from '../domain/byte-span.ts';
import type { TopicName } from '../events/topics.ts';

/** A partition of a topic that we read. */
export interface TopicPartition {
  readonly topic: TopicName;
  readonly partition: number;
}

/** A record as it came from Kafka. */
export interface ConsumedRecord extends TopicPartition {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Timestamp of the record, ms since the Unix epoch. */
  readonly timestampMs: number;
  /** W3C trace context, when the producer sent one. */
  readonly traceparent: string | undefined;
}

/** What the records of one batch on the log have in common. */
export interface FetchedBatch extends TopicPartition {
  /** All of the batch. */
  readonly bytes: Uint8Array;
  /** What kafkajs needs to know of it to leave out aborted records. */
  readonly batchContext: {
    readonly firstOffset: string;
    readonly producerId: string;
    readonly inTransaction: boolean;
    readonly isControlBatch: boolean;
  };
}

/** The headers of a record that has none. */
export const NO_HEADERS: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * A record as it lies in its batch, for kafkajs and for us: its value becomes bytes of its own only when it is asked for. There is
 * one for every record that is read.
 */
export class FetchedRecord implements ConsumedRecord, ByteSpan {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly traceparent: string | undefined;
  /** Where the value begins and ends in `bytes`; it begins below 0 when there is none. */
  readonly from: number;
  readonly to: number;
  readonly #batch: FetchedBatch;

  constructor(
    batch: FetchedBatch,
    offset: number,
    timestampMs: number,
    key: Buffer | null,
    headers: Readonly<Record<string, unknown>>,
    from: number,
    to: number,
  ) {
    this.offset = offset;
    this.timestampMs = timestampMs;
    this.key = key;
    this.headers = headers;
    this.traceparent = headers === NO_HEADERS ? undefined : traceparentOf(headers);
    this.from = from;
    this.to = to;
    this.#batch = batch;
  }

  get topic(): TopicName {
    return this.#batch.topic;
  }

  get partition(): number {
    return this.#batch.partition;
  }

  get bytes(): Uint8Array {
    return this.#batch.bytes;
  }

  get value(): Buffer | null {
    if (this.from < 0) return null;
    const { buffer, byteOffset } = this.#batch.bytes;
    return Buffer.from(buffer, byteOffset + this.from, this.to - this.from);
  }

  get batchContext(): FetchedBatch['batchContext'] {
    return this.#batch.batchContext;
  }

  get isControlRecord(): boolean {
    return this.#batch.batchContext.isControlBatch;
  }

  /** What kafkajs calls `timestampMs`. */
  get timestamp(): number {
    return this.timestampMs;
  }
}

function traceparentOf(headers: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const traceparent = headers?.['traceparent'];
  return Buffer.isBuffer(traceparent) ? traceparent.toString('latin1') : undefined;
}

/** Returns our form of a kafkajs message. */
export function consumedRecord(
  topic: TopicName,
  partition: number,
  message: KafkaMessage | FetchedRecord,
): ConsumedRecord {
  if (message instanceof FetchedRecord) return message;
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    timestampMs: Number(message.timestamp),
    traceparent: traceparentOf(message.headers),
  };
}

/** Returns the record with another W3C trace context. */
export function withTrace(record: ConsumedRecord, traceparent: string): ConsumedRecord {
  const { topic, partition, offset, key, value, timestampMs } = record;
  return { topic, partition, offset, key, value, timestampMs, traceparent };
}

/** Returns where a record's value lies; null when it has none. */
export function spanOf(record: ConsumedRecord): ByteSpan | null {
  if (record instanceof FetchedRecord) return record.from < 0 ? null : record;
  const { value } = record;
  return value === null ? null : { bytes: value, from: 0, to: value.length };
}

/** Returns one string for a topic-partition, for maps. */
export function topicPartitionKey(topic: string, partition: number): string {
  return `${topic}/${String(partition)}`;
}
