import { createRequire } from 'node:module';
import { crc32c } from './crc32c.ts';

/** A 64-bit number as kafkajs passes it around. */
type Long = number | string | bigint | { readonly value: bigint };

/** A record as kafkajs is about to write it. */
export interface ProducedRecord {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key?: Uint8Array | string | null;
  readonly value: Uint8Array | string | null;
  readonly headers?: Readonly<
    Record<string, Uint8Array | string | readonly (Uint8Array | string)[] | undefined>
  >;
}

/** What kafkajs wants a batch of. */
export interface ProducedBatch {
  readonly compression?: number;
  readonly firstOffset?: Long;
  readonly firstTimestamp: Long;
  readonly maxTimestamp: Long;
  readonly partitionLeaderEpoch?: number;
  readonly lastOffsetDelta: number;
  readonly transactional?: boolean;
  readonly producerId?: Long;
  readonly producerEpoch?: number;
  readonly firstSequence?: number;
  readonly records: readonly ProducedRecord[];
}

/** The encoder of kafkajs, as far as it is used: bytes, and how many of them are written. */
interface Encoder {
  buf: Buffer;
  offset: number;
}

// Places within a record batch of format 2 (Kafka protocol guide, "Record Batch").
const LENGTH_AT = 8;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const FIRST_SEQUENCE_AT = 53;
const COUNT_AT = 57;
const RECORDS_AT = 61;
const LENGTH_BYTES = 12;

const MAGIC = 2;
const TRANSACTIONAL = 0x10;
const COMPRESSION_MASK = 0x07;

function bigintOf(value: Long): bigint {
  return typeof value === 'object' ? value.value : BigInt(value);
}

function byteLength(bytes: Uint8Array | string): number {
  return typeof bytes === 'string' ? Buffer.byteLength(bytes) : bytes.length;
}

/** Size of a signed varint (zigzag) of at most ±2^52. */
function varintBytes(value: number): number {
  let rest = value >= 0 ? 2 * value : -2 * value - 1;
  let size = 1;
  for (; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

function lengthPrefixedBytes(bytes: Uint8Array | string | null | undefined): number {
  if (bytes === null || bytes === undefined) return 1;
  const length = byteLength(bytes);
  return varintBytes(length) + length;
}

/** Returns the headers as pairs, one a value. */
function headersOf({ headers }: ProducedRecord): readonly [name: string, value: Uint8Array | string][] {
  if (headers === undefined) return [];
  const pairs: [string, Uint8Array | string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue;
    if (typeof value === 'string' || value instanceof Uint8Array) pairs.push([name, value]);
    else for (const one of value) pairs.push([name, one]);
  }
  return pairs;
}

/** Size of what follows a record's own length. */
function bodyBytes(record: ProducedRecord, headers: ReturnType<typeof headersOf>): number {
  let size =
    1 +
    varintBytes(record.timestampDelta) +
    varintBytes(record.offsetDelta) +
    lengthPrefixedBytes(record.key) +
    lengthPrefixedBytes(record.value) +
    varintBytes(headers.length);
  for (const [name, value] of headers) size += lengthPrefixedBytes(name) + lengthPrefixedBytes(value);
  return size;
}

/** Writes records one after the other into bytes that are large enough. */
class RecordWriter {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.at = at;
  }

  write(record: ProducedRecord, bodySize: number, headers: ReturnType<typeof headersOf>): void {
    this.#varint(bodySize);
    this.#bytes[this.at++] = 0; // attributes of a record are not used
    this.#varint(record.timestampDelta);
    this.#varint(record.offsetDelta);
    this.#lengthPrefixed(record.key);
    this.#lengthPrefixed(record.value);
    this.#varint(headers.length);
    for (const [name, value] of headers) {
      this.#lengthPrefixed(name);
      this.#lengthPrefixed(value);
    }
  }

  #varint(value: number): void {
    let rest = value >= 0 ? 2 * value : -2 * value - 1;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#bytes[this.at++] = (rest % 128) | 0x80;
    this.#bytes[this.at++] = rest;
  }

  #lengthPrefixed(bytes: Uint8Array | string | null | undefined): void {
    if (bytes === null || bytes === undefined) {
      this.#varint(-1);
      return;
    }
    this.#varint(byteLength(bytes));
    if (typeof bytes === 'string') this.at += this.#bytes.write(bytes, this.at);
    else {
      this.#bytes.set(bytes, this.at);
      this.at += bytes.length;
    }
  }
}

/** Returns an uncompressed record batch of format 2. */
export function encodeBatch(batch: ProducedBatch): Buffer {
  const { records } = batch;
  const headers = records.map(headersOf);
  const sizes = records.map((record, place) => bodyBytes(record, headers[place] ?? []));
  const recordsBytes = sizes.reduce((sum, size) => sum + varintBytes(size) + size, 0);
  const bytes = Buffer.allocUnsafe(RECORDS_AT + recordsBytes);
  bytes.writeBigInt64BE(bigintOf(batch.firstOffset ?? 0), 0);
  bytes.writeInt32BE(bytes.length - LENGTH_BYTES, LENGTH_AT);
  bytes.writeInt32BE(batch.partitionLeaderEpoch ?? 0, LEADER_EPOCH_AT);
  bytes[MAGIC_AT] = MAGIC;
  bytes.writeInt16BE(batch.transactional === true ? TRANSACTIONAL : 0, ATTRIBUTES_AT);
  bytes.writeInt32BE(batch.lastOffsetDelta, LAST_OFFSET_DELTA_AT);
  bytes.writeBigInt64BE(bigintOf(batch.firstTimestamp), FIRST_TIMESTAMP_AT);
  bytes.writeBigInt64BE(bigintOf(batch.maxTimestamp), MAX_TIMESTAMP_AT);
  bytes.writeBigInt64BE(bigintOf(batch.producerId ?? -1), PRODUCER_ID_AT);
  bytes.writeInt16BE(batch.producerEpoch ?? 0, PRODUCER_EPOCH_AT);
  bytes.writeInt32BE(batch.firstSequence ?? 0, FIRST_SEQUENCE_AT);
  bytes.writeInt32BE(records.length, COUNT_AT);
  const writer = new RecordWriter(bytes, RECORDS_AT);
  for (const [place, record] of records.entries()) {
    writer.write(record, sizes[place] ?? 0, headers[place] ?? []);
  }
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_AT), CRC_AT);
  return bytes;
}

let isInstalled = false;

/**
 * Makes kafkajs 2.2.4 write what it produces in one go, without an encoder, several big numbers and eight copies for each
 * record. What is to be compressed goes its old way. Idempotent; called once by the client factory before any connection exists:
 * kafkajs loads what writes requests with the first one.
 */
export function installProduceEncoding(): void {
  if (isInstalled) return;
  isInstalled = true;
  const require = createRequire(import.meta.url);
  const EncoderOfKafkajs = require('kafkajs/src/protocol/encoder') as new (bytes: number) => Encoder;
  const recordPath = require.resolve('kafkajs/src/protocol/recordBatch/record/v0');
  const encodeRecord = require(recordPath) as (record: ProducedRecord) => unknown;
  const batches = require('kafkajs/src/protocol/recordBatch/v0') as {
    RecordBatch: (batch: object) => Promise<Encoder>;
  };
  const encodeCompressed = batches.RecordBatch;
  const module = require.cache[recordPath];
  if (module === undefined) throw new Error('kafkajs 2.2.4: its encoder of records was not loaded');
  module.exports = (record: ProducedRecord) => record;
  batches.RecordBatch = (batch) => {
    const produced = batch as ProducedBatch;
    if (((produced.compression ?? 0) & COMPRESSION_MASK) !== 0) {
      return encodeCompressed({ ...produced, records: produced.records.map(encodeRecord) });
    }
    const encoder = new EncoderOfKafkajs(0);
    encoder.buf = encodeBatch(produced);
    encoder.offset = encoder.buf.length;
    return Promise.resolve(encoder);
  };
}
