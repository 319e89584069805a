import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../../../shared/domain/outcome.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import type { Codec } from '../../../shared/events/codec.ts';
import type { ConsumedRecord } from '../../../shared/kafka/consumed.ts';
import { deadLetter } from '../../../shared/kafka/dead-letters.ts';
import type { OutRecord } from '../../../shared/kafka/producer.ts';
import { decodeBatch, recordsOf } from '../../../shared/kafka/record-batch.ts';

const PARTITION = partitionOf('clicks#0', 4);

/** A codec whose bytes are JSON. */
const codec: Codec = {
  prepare: () => Promise.resolve(),
  encode: (_topic, value) => Buffer.from(JSON.stringify(value)),
  frame: (_topic, { bytes }) => Buffer.from(bytes),
  learnWriters: () => Promise.resolve(),
  decode: (_topic, value) => {
    try {
      return { ok: true, value: JSON.parse(Buffer.from(value).toString()) as never };
    } catch {
      return { ok: false, reason: 'truncated' };
    }
  },
};

function record(offset: number, value: unknown, more: Partial<ConsumedRecord> = {}): ConsumedRecord {
  return {
    topic: 'labels.v1',
    partition: PARTITION,
    offset,
    key: Buffer.from('clicks#0'),
    value: value === null ? null : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
    timestampMs: 77,
    traceparent: undefined,
    ...more,
  };
}
const labels = { model: 'clicks', shard: 0, labels: [] };

function decode(raw: readonly ConsumedRecord[]): ReturnType<typeof decodeBatch> & { told: string[] } {
  const told: string[] = [];
  const onOutcome = (topic: string, outcome: Outcome<OutRecord>): void => {
    told.push(`${topic} ${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`);
  };
  return {
    ...decodeBatch({ service: 'ingest', codec, partitions: 4, nowMs: () => 99, onOutcome }, raw),
    told,
  };
}

test('sound records are decoded in order and keep where they came from', () => {
  const raw = [record(1, labels), record(2, labels)];
  const { typed, poison, told } = decode(raw);
  assert.deepEqual(
    typed.map(({ source }) => source),
    raw,
  );
  assert.deepEqual(typed[0]?.value, labels);
  assert.deepEqual([poison, told], [[], []]);
});

test('a record in another partition than its shard’s is a dead letter, and the others go on', () => {
  const { typed, poison, told } = decode([
    record(1, labels, { partition: (PARTITION + 1) % 4 }),
    record(2, { ...labels, model: 'clicks', shard: 0 }),
  ]);
  assert.deepEqual(
    typed.map(({ source }) => source.offset),
    [2],
  );
  assert.partialDeepStrictEqual(poison, [
    {
      topic: 'dead-letters.v1',
      key: `labels.v1/${String((PARTITION + 1) % 4)}/1`,
      partition: 0,
      value: { service: 'ingest', reason: 'wrong-partition', atMs: 99, itemIndex: -1, recordTimeMs: 77 },
    },
  ]);
  const { detail } = poison[0]?.value as { detail: string };
  assert.match(detail, /^clicks#0 belongs to partition \d, found in \d$/);
  assert.deepEqual(told, ['labels.v1 poison wrong-partition']);
});

test('a record without a shard may be in any partition', () => {
  const { typed } = decode([record(1, { router: 'r' }, { topic: 'router-status.v1', partition: 3 })]);
  assert.equal(typed.length, 1);
});

test('bytes that cannot be decoded and tombstones are dead letters as they came', () => {
  const { typed, poison, told } = decode([record(1, '{broken'), record(2, null, { key: null })]);
  assert.deepEqual(typed, []);
  assert.partialDeepStrictEqual(
    poison.map(({ value }) => value),
    [
      {
        reason: 'undecodable',
        detail: 'truncated',
        value: Buffer.from('{broken'),
        key: Buffer.from('clicks#0'),
      },
      { reason: 'undecodable', detail: 'the record has no value', value: null, key: null },
    ],
  );
  assert.equal(told.length, 2);
});

test('outcomes become emissions and dead letters in the order of the records', () => {
  const { typed } = decode([1, 2, 3, 4].map((offset) => record(offset, labels)));
  const batch = {
    topic: 'labels.v1',
    partition: PARTITION,
    records: typed,
    nextOffset: 5,
    highWatermark: 5,
  } as const;
  const emission: OutRecord = { topic: 'labels.v1', key: 'k', partition: 0, value: labels };
  const outcomes: Outcome<OutRecord>[] = [
    { kind: 'handled', emit: [emission, emission] },
    { kind: 'poison', reason: 'unknown-model', detail: 'model x does not exist' },
    { kind: 'skipped', reason: 'already' },
    {
      kind: 'handled',
      emit: [emission],
      refused: [{ itemIndex: 3, reason: 'screened', detail: 'not finite' }],
    },
  ];
  const out = recordsOf(batch, outcomes, { service: 'ingest', atMs: 99 });
  assert.deepEqual(
    out.map(({ topic, key, value }) => [topic, key, (value as { itemIndex?: number }).itemIndex]),
    [
      ['labels.v1', 'k', undefined],
      ['labels.v1', 'k', undefined],
      ['dead-letters.v1', `labels.v1/${String(PARTITION)}/2`, -1],
      ['labels.v1', 'k', undefined],
      ['dead-letters.v1', `labels.v1/${String(PARTITION)}/4`, 3],
    ],
  );
});

test('a dead letter’s detail is cut to what an operator reads', () => {
  const cause = { service: 's', atMs: 1, reason: 'invalid', detail: 'x'.repeat(5000), itemIndex: 0 } as const;
  assert.equal((deadLetter(record(1, labels), cause).value as { detail: string }).detail.length, 2048);
});
