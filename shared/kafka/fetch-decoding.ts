import { createRequire } from 'node:module';
import type { TopicName } from '../events/topics.ts';
import { FetchedRecord, NO_HEADERS } from './consumed.ts';
import type { TopicPartition } from './consumed.ts';

/** The reader of primitives that kafkajs decodes answers with, as far as it is used. */
interface DecoderInternals {
  readonly buffer: Buffer;
  offset: number;
  readInt16(): number;
  readInt32(): number;
  readInt64(): bigint;
  readString(): string | null;
  readBytes(length: number): Buffer;
  readArray<T>(read: (decoder: DecoderInternals) => T): T[];
  readArrayAsync<T>(read: (decoder: DecoderInternals) => Promise<T>): Promise<T[]>;
}

type DecodeMessages = (decoder: DecoderInternals) => Promise<unknown[]>;

// Places within a record batch of format 2 (Kafka protocol guide, "Record Batch").
const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const LENGTH_BYTES = 12;

const COMPRESSION_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Reads signed varints (zigzag) of a record; those of one batch share it. */
class RecordReader {
  at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  /** Returns a varint or varlong of at most ±2^53. */
  varint(): number {
    const bytes = this.#bytes;
    const first = bytes[this.at++] ?? 0;
    if (first < 0x80) return (first >>> 1) ^ -(first & 1);
    let value = first & 0x7f;
    for (let scale = 128; ; scale *= 128) {
      const byte = bytes[this.at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Returns bytes with their length before them as a view; null for a negative length. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const from = this.at;
    this.at = from + length;
    return this.#bytes.subarray(from, this.at);
  }

  /** As `bytes`, but returns `known` when it is the same: keys repeat. */
  repeating(known: Buffer | null): Buffer | null {
    const start = this.at;
    if (this.varint() === known?.length && this.#isNext(known)) {
      this.at += known.length;
      return known;
    }
    this.at = start;
    return this.bytes();
  }

  #isNext(known: Buffer): boolean {
    const bytes = this.#bytes;
    const { at } = this;
    for (let k = 0; k < known.length; k++) if (bytes[at + k] !== known[k]) return false;
    return true;
  }
}

function readHeaders(reader: RecordReader): Readonly<Record<string, unknown>> {
  const count = reader.varint();
  if (count <= 0) return NO_HEADERS;
  const headers: Record<string, unknown> = {};
  for (let left = count; left > 0; left -= 1) {
    const name = reader.bytes()?.toString('utf8') ?? '';
    const value = reader.bytes();
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else headers[name] = Array.isArray(before) ? [...(before as unknown[]), value] : [before, value];
  }
  return headers;
}

/** Adds the records of one uncompressed batch to `messages`. */
function readBatch(batch: Buffer, { topic, partition }: TopicPartition, messages: FetchedRecord[]): void {
  const attributes = batch.readInt16BE(ATTRIBUTES_AT);
  const firstOffset = Number(batch.readBigInt64BE(0));
  const firstTimestamp = Number(batch.readBigInt64BE(FIRST_TIMESTAMP_AT));
  const maxTimestamp = Number(batch.readBigInt64BE(MAX_TIMESTAMP_AT));
  const isAppendTime = (attributes & LOG_APPEND_TIME) !== 0;
  const common = {
    topic,
    partition,
    bytes: batch,
    batchContext: {
      firstOffset: String(firstOffset),
      producerId: batch.readBigInt64BE(PRODUCER_ID_AT).toString(),
      inTransaction: (attributes & TRANSACTIONAL) !== 0,
      isControlBatch: (attributes & CONTROL) !== 0,
    },
  };
  const reader = new RecordReader(batch, RECORDS_AT);
  let key: Buffer | null = null;
  for (let left = batch.readInt32BE(COUNT_AT); left > 0; left -= 1) {
    const length = reader.varint();
    const end = reader.at + length;
    reader.at += 1; // attributes of a record are not used
    const timestampDelta = reader.varint();
    const offsetDelta = reader.varint();
    key = reader.repeating(key);
    const valueLength = reader.varint();
    const from = valueLength < 0 ? -1 : reader.at;
    if (from >= 0) reader.at += valueLength;
    const to = reader.at;
    const timestampMs = isAppendTime ? maxTimestamp : firstTimestamp + timestampDelta;
    const offset = firstOffset + offsetDelta;
    messages.push(new FetchedRecord(common, offset, timestampMs, key, readHeaders(reader), from, to));
    reader.at = end;
  }
}

/**
 * Returns the records of uncompressed batches of format 2, or undefined when there is anything else among them. A batch that
 * is cut at the end is left out: the next fetch has it.
 */
export function readMessages(bytes: Buffer, place: TopicPartition): FetchedRecord[] | undefined {
  const messages: FetchedRecord[] = [];
  for (let at = 0; at + RECORDS_AT <= bytes.length;) {
    const end = at + LENGTH_BYTES + bytes.readInt32BE(at + LENGTH_AT);
    const isPlain =
      bytes[at + MAGIC_AT] === 2 && (bytes.readInt16BE(at + ATTRIBUTES_AT) & COMPRESSION_MASK) === 0;
    if (!isPlain) return undefined;
    if (end > bytes.length) break;
    readBatch(bytes.subarray(at, end), place, messages);
    at = end;
  }
  return messages;
}

let isInstalled = false;

/**
 * Makes kafkajs 2.2.4 decode what it fetches (version 11 of the request, which all brokers since 2.3 have) without making
 * a decoder, two big numbers and two strings for each record. What is compressed or of an older format goes its old way.
 * Idempotent; called once by the client factory before any connection exists.
 */
export function installFetchDecoding(): void {
  if (isInstalled) return;
  isInstalled = true;
  const require = createRequire(import.meta.url);
  const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => DecoderInternals;
  const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as DecodeMessages;
  const response = require('kafkajs/src/protocol/requests/fetch/v11/response') as {
    decode: (raw: Buffer) => Promise<unknown>;
  };

  async function messagesOf(decoder: DecoderInternals, place: TopicPartition): Promise<unknown[]> {
    const from = decoder.offset;
    const size = decoder.readInt32();
    const messages =
      size > 0 && from + 4 + size <= decoder.buffer.length
        ? readMessages(decoder.readBytes(size), place)
        : undefined;
    if (messages !== undefined) return messages;
    decoder.offset = from;
    return decodeMessages(decoder);
  }

  async function partitionOf(decoder: DecoderInternals, topic: TopicName): Promise<object> {
    const partition = decoder.readInt32();
    return {
      partition,
      errorCode: decoder.readInt16(),
      highWatermark: decoder.readInt64().toString(),
      lastStableOffset: decoder.readInt64().toString(),
      lastStartOffset: decoder.readInt64().toString(),
      abortedTransactions: decoder.readArray((aborted) => ({
        producerId: aborted.readInt64().toString(),
        firstOffset: aborted.readInt64().toString(),
      })),
      preferredReadReplica: decoder.readInt32(),
      messages: await messagesOf(decoder, { topic, partition }),
    };
  }

  response.decode = async (raw) => {
    const decoder = new Decoder(raw);
    const clientSideThrottleTime = decoder.readInt32();
    const errorCode = decoder.readInt16();
    const sessionId = decoder.readInt32();
    const responses = await decoder.readArrayAsync(async (response) => {
      const topicName = response.readString() as TopicName; // what was asked for
      const partitions = await response.readArrayAsync((one) => partitionOf(one, topicName));
      return { topicName, partitions };
    });
    return { throttleTime: 0, clientSideThrottleTime, errorCode, sessionId, responses };
  };
}
