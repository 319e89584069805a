import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32c } from '../../../shared/kafka/crc32c.ts';
import { readMessages } from '../../../shared/kafka/fetch-decoding.ts';
import { encodeBatch } from '../../../shared/kafka/produce-encoding.ts';
import type { ProducedBatch, ProducedRecord } from '../../../shared/kafka/produce-encoding.ts';

const require = createRequire(import.meta.url);
const PLACE = { topic: 'labels.v1', partition: 3 } as const;
const kafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => unknown;
const { RecordBatch: kafkajsBatch } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>;
};
const Long = require('kafkajs/src/utils/long') as { fromValue(value: unknown): { value: bigint } };

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
);
const headers = fc.dictionary(
  fc.string({ unit: 'grapheme', maxLength: 9 }),
  fc.oneof(bytes, fc.array(bytes, { maxLength: 3 })),
  { maxKeys: 3 },
);
const record: fc.Arbitrary<Omit<ProducedRecord, 'offsetDelta'>> = fc.record(
  {
    timestampDelta: fc.oneof(fc.constant(0), fc.nat(), fc.integer(), fc.nat(2 ** 40)),
    key: fc.option(bytes),
    value: fc.option(bytes),
    headers,
  },
  { requiredKeys: ['timestampDelta', 'value'] },
);
const batch: fc.Arbitrary<ProducedBatch> = fc
  .record({
    records: fc.array(record, { minLength: 1, maxLength: 200 }),
    firstTimestamp: fc.nat(2 ** 42),
    maxTimestamp: fc.nat(2 ** 42),
    producerId: fc.oneof(
      fc.constant(-1),
      fc.bigInt({ min: -1n, max: 2n ** 62n }).map((id) => Long.fromValue(id)),
    ),
    producerEpoch: fc.nat(32_767),
    firstSequence: fc.nat(),
    transactional: fc.boolean(),
  })
  .map(({ records, ...rest }) => ({
    ...rest,
    records: records.map((one, offsetDelta) => ({ ...one, offsetDelta })),
    lastOffsetDelta: records.length - 1,
  }));

test('a batch is to the byte what kafkajs makes of it', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async (produced) => {
      const records = produced.records.map((one) => kafkajsRecord(one));
      const { buffer } = await kafkajsBatch({ ...produced, records });
      // kafkajs writes the batch behind its first offset as bytes with their length.
      assert.deepEqual(encodeBatch(produced), Buffer.from(buffer));
    }),
    { numRuns: 200 },
  );
});

test('what is written comes back when it is read', () => {
  fc.assert(
    fc.property(batch, (produced) => {
      const read = readMessages(encodeBatch(produced), PLACE) ?? assert.fail();
      assert.deepEqual(
        read.map(({ key, value }) => [key, value]),
        produced.records.map(({ key, value }) =>
          [key, value].map((one) => (one === null || one === undefined ? null : Buffer.from(one))),
        ),
      );
    }),
  );
});

test('the checksum is that of RFC 3720, of any part and length', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  const kafkajsCrc = require('kafkajs/src/protocol/recordBatch/crc32C/crc32C') as (buffer: Buffer) => number;
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(9), (array, from) => {
      const whole = Buffer.from(array);
      const start = Math.min(from, whole.length);
      assert.equal(crc32c(whole, start), kafkajsCrc(whole.subarray(start)));
    }),
  );
});
