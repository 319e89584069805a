import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessages } from '../../../shared/kafka/fetch-decoding.ts';

const require = createRequire(import.meta.url);
const PLACE = { topic: 'labels.v1', partition: 3 } as const;

interface Message {
  readonly offset: unknown;
  readonly timestamp: unknown;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: object;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

const { RecordBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (input: object) => Promise<{ buffer: Buffer }>;
};
const makeRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (input: object) => unknown;
const decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages') as (
  decoder: object,
) => Promise<Message[]>;
const Decoder = require('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object;

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const batch = fc.record({
  firstOffset: fc.nat(2 ** 30),
  firstTimestamp: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  transactional: fc.boolean(),
  producerId: fc.integer({ min: -1, max: 2 ** 30 }),
  records: fc.array(
    fc.record({
      offsetDelta: fc.nat(100_000),
      timestampDelta: fc.integer({ min: -(2 ** 31), max: 2 ** 40 }),
      key: fc.oneof(bytes, fc.constant(Buffer.from('clicks#0'))),
      value: bytes,
      headers: fc.dictionary(fc.constantFrom('traceparent', 'a'), fc.string()),
    }),
    { maxLength: 5 },
  ),
});

/** Returns batches as a broker would answer with them, written by kafkajs. */
async function encode(
  batches: readonly (typeof batch extends fc.Arbitrary<infer B> ? B : never)[],
): Promise<Buffer> {
  const parts = await Promise.all(
    batches.map(async ({ records, firstTimestamp, ...rest }) => {
      const encoded = records.map((record) =>
        makeRecord({ ...record, timestamp: firstTimestamp + record.timestampDelta }),
      );
      const { buffer } = await RecordBatch({
        ...rest,
        firstTimestamp,
        maxTimestamp: firstTimestamp + 5,
        lastOffsetDelta: records.length,
        records: encoded,
      });
      const bytesOfBatch = Buffer.from(buffer);
      bytesOfBatch.writeBigInt64BE(BigInt(rest.firstOffset), 0); // the broker gives it
      return bytesOfBatch;
    }),
  );
  return Buffer.concat(parts);
}

function plain({ offset, timestamp, key, value, headers, isControlRecord, batchContext }: Message): object {
  const { producerId, inTransaction } = batchContext;
  return {
    offset: Number(offset),
    timestamp: Number(timestamp),
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    headers: { ...headers },
    isControlRecord,
    producerId,
    inTransaction,
  };
}

/** What kafkajs itself reads: the answer has the size of the records before them. */
async function byKafkajs(raw: Buffer): Promise<object[]> {
  const sized = Buffer.alloc(4 + raw.length);
  sized.writeInt32BE(raw.length);
  raw.copy(sized, 4);
  return (await decodeMessages(new Decoder(sized))).map(plain);
}

test('records are read as kafkajs itself reads them, a batch that is cut at the end left out', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 3 }), fc.nat(400), async (batches, cut) => {
      const whole = await encode(batches);
      const raw = whole.subarray(0, Math.max(61, whole.length - cut));
      const read = readMessages(raw, PLACE);
      assert.deepEqual(
        read?.map((message) => plain(message as Message)),
        await byKafkajs(raw),
      );
    }),
    { numRuns: 300 },
  );
});

test('a compressed batch, or one of an older format, is left to kafkajs', async () => {
  const record = { offsetDelta: 0, timestampDelta: 0, key: null, value: Buffer.of(1), headers: {} };
  const one = { firstOffset: 5, firstTimestamp: 1_700_000_000_000, transactional: false, producerId: -1 };
  const raw = await encode([{ ...one, records: [record] }]);
  assert.equal(readMessages(raw, PLACE)?.length, 1);
  const compressed = Buffer.from(raw);
  compressed.writeInt16BE(1, 21);
  assert.equal(readMessages(compressed, PLACE), undefined);
  const older = Buffer.from(raw);
  older[16] = 1;
  assert.equal(readMessages(older, PLACE), undefined);
});

test('keys that repeat within a batch are one buffer', async () => {
  const record = { timestampDelta: 0, key: Buffer.from('clicks#0'), value: Buffer.of(1), headers: {} };
  const raw = await encode([
    {
      firstOffset: 5,
      firstTimestamp: 1_700_000_000_000,
      transactional: false,
      producerId: -1,
      records: [0, 1, 2].map((offsetDelta) => ({ ...record, offsetDelta })),
    },
  ]);
  const [first, second] = readMessages(raw, PLACE) ?? [];
  assert.equal(first?.key, second?.key);
});
