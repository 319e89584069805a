import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { canInstallDebianPackages, installDebianPackages } from '../../deploy/local/debian-packages.ts';
import { createTrainingEventEncoder } from '../../shared/events/training-event-encoder.ts';
import type {
  EncodedRecord,
  ProducedEvent,
  TrainingEventEncoder,
} from '../../shared/events/training-event-encoder.ts';
import { followDeadLetters } from '../support/dead-letters.ts';
import type { DeadLetters } from '../support/dead-letters.ts';
import { serveSmallModel, untilLearned } from '../support/small-model.ts';
import { PARTITIONS, useSystem } from '../support/system.ts';

const MODEL = 'poison';
let encoder: TrainingEventEncoder;
let letters: DeadLetters;
const system = useSystem({
  prepare: async (started) => {
    await serveSmallModel(started, MODEL);
    encoder = await createTrainingEventEncoder(started.stack.schemaRegistryUrl, PARTITIONS);
    letters = await followDeadLetters(started);
  },
});

let ids = 0;
function sound(more: Partial<ProducedEvent> = {}): ProducedEvent {
  ids += 1;
  return {
    id: `sound-${String(ids)}`,
    subject: 's',
    eventTimeMs: Date.now(),
    features: { colour: 'red', size: 1 },
    label: 1,
    ...more,
  };
}

interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer | null;
}

/** Writes records as any client may, and returns the offset of the first. */
async function write(records: readonly RawRecord[]): Promise<number> {
  const producer = system.kafka.producer();
  await producer.connect();
  const [first] = records;
  const answers = await producer.send({
    topic: first?.topic ?? '',
    messages: records.map(({ key, value, partition }) => ({ key, value, partition })),
  });
  await producer.disconnect();
  return Number(answers[0]?.baseOffset);
}

/** Ways to spoil a sound record, and what its dead letter says. */
const SPOILED: readonly {
  name: string;
  spoil: (record: EncodedRecord) => RawRecord;
  reason: string;
  detail: RegExp;
}[] = [
  {
    name: 'truncated Avro',
    spoil: (record) => ({ ...record, value: record.value.subarray(0, 20) }),
    reason: 'undecodable',
    detail: /truncated buffer/,
  },
  {
    name: 'not the wire format',
    spoil: (record) => ({ ...record, value: Buffer.from('{"label":1}') }),
    reason: 'undecodable',
    detail: /^not in the Confluent wire format \(first byte 0, then a schema id\), 11 bytes$/,
  },
  {
    name: 'an unknown schema id',
    spoil: (record) => {
      const value = Buffer.from(record.value);
      value.writeInt32BE(987_654, 1);
      return { ...record, value };
    },
    reason: 'undecodable',
    detail: /^schema id 987654 is unknown to the schema registry$/,
  },
  {
    name: 'no value',
    spoil: (record) => ({ ...record, value: null }),
    reason: 'undecodable',
    detail: /^the record has no value$/,
  },
  {
    name: 'random bytes behind a sound header',
    spoil: (record) => ({
      ...record,
      value: Buffer.concat([record.value.subarray(0, 5), Buffer.alloc(64, 0xff)]),
    }),
    reason: 'undecodable',
    detail: /./,
  },
  {
    name: 'the wrong partition',
    spoil: (record) => ({ ...record, partition: (record.partition + 1) % PARTITIONS }),
    reason: 'wrong-partition',
    detail: /^poison#0 belongs to partition \d, found in \d$/,
  },
];

for (const { name, spoil, reason, detail } of SPOILED) {
  test(`a training record with ${name} becomes a dead letter with its bytes, and the stream goes on`, async () => {
    const state = await untilStill();
    const record = encoder.encode(MODEL, [sound()]);
    const spoiled = spoil(record);
    const offset = await write([spoiled]);
    await write([encoder.encode(MODEL, [sound()])]);
    const letter = await letters.of('training-events.v1', spoiled.partition, offset, 'online-learner');
    assert.equal(letter.reason, reason);
    assert.match(letter.detail, detail);
    assert.deepEqual(letter.value === null ? null : Buffer.from(letter.value), spoiled.value);
    assert.equal(letter.itemIndex, -1);
    await untilLearned(system, MODEL, state + 1);
  });
}

/** Items that a sound record can carry, and what their dead letter says. */
const BAD_ITEMS: readonly { name: string; more: Partial<ProducedEvent>; detail: string }[] = [
  { name: 'label 3', more: { label: 3 }, detail: 'label 3, allowed 0 or 1' },
  { name: 'label NaN', more: { label: Number.NaN }, detail: 'label NaN, allowed 0 or 1' },
  { name: 'a negative weight', more: { weight: -2 }, detail: 'weight -2, allowed (0, 1000]' },
  { name: 'an infinite weight', more: { weight: Infinity }, detail: 'weight Infinity, allowed (0, 1000]' },
  { name: 'an empty id', more: { id: '' }, detail: 'id has 0 characters, allowed 1 … 128' },
  {
    name: 'a long subject',
    more: { subject: 'x'.repeat(300) },
    detail: 'subject has 300 characters, allowed 1 … 256',
  },
  {
    name: 'NaN as a feature',
    more: { features: { size: Number.NaN } },
    detail: 'feature size: number NaN, allowed a finite number',
  },
  {
    name: 'text as a number',
    more: { features: { size: 'big' } },
    detail: 'feature size: string "big", allowed a finite number',
  },
  {
    name: 'a number as a boolean',
    more: { features: { isNew: 1 } },
    detail: 'feature isNew: number 1, allowed true or false',
  },
  { name: 'a time before 1970', more: { eventTimeMs: -5 }, detail: 'eventTimeMs -5, allowed 0 or more' },
];

for (const { name, more, detail } of BAD_ITEMS) {
  test(`an event with ${name} is dead-lettered alone, its neighbours are learned`, async () => {
    const state = await untilStill();
    const record = encoder.encode(MODEL, [sound(), sound(more), sound()]);
    const offset = await write([record]);
    const letter = await letters.of('training-events.v1', record.partition, offset, 'online-learner');
    assert.deepEqual([letter.reason, letter.detail, letter.itemIndex], ['invalid', detail, 1]);
    await untilLearned(system, MODEL, state + 2);
  });
}

test('an event of a model that does not exist is dead-lettered', async () => {
  const record = encoder.encode('nobody', [sound()]);
  const offset = await write([record]);
  const letter = await letters.of('training-events.v1', record.partition, offset, 'online-learner');
  assert.deepEqual([letter.reason, letter.detail], ['unknown-model', 'model nobody does not exist']);
});

test('a label for a prediction that never was is kept back, not learned, and harms nobody', async () => {
  const state = await untilStill();
  const { status } = await system.http.send('POST', `${system.url('ingest')}/v1/models/${MODEL}/labels`, {
    predictionId: '0~never-was',
    label: 1,
  });
  assert.equal(status, 202);
  await write([encoder.encode(MODEL, [sound()])]);
  await untilLearned(system, MODEL, state + 1);
});

test('truncated predictions and labels become dead letters of ingest', async () => {
  const { partition, key, value } = encoder.encode(MODEL, [sound()]);
  for (const topic of ['predictions.v1', 'labels.v1']) {
    const offset = await write([{ topic, partition, key, value: value.subarray(0, 12) }]);
    assert.equal((await letters.of(topic, partition, offset, 'ingest')).reason, 'undecodable');
  }
});

test('a producer with another client (kcat) writes what the encoder gives, and it is learned', async (t) => {
  await promisify(execFile)('kcat', ['-V']).catch(async () => {
    assert.ok(canInstallDebianPackages(), 'kcat is missing; install it with: sudo apt-get install kcat');
    await installDebianPackages([['kcat']]);
  });
  const state = await untilStill();
  const record = encoder.encode(MODEL, [
    sound(),
    sound({ label: 0, features: { colour: 'blue', isNew: true } }),
  ]);
  const dir = mkdtempSync(join(tmpdir(), 'headrace-kcat-'));
  t.after(() => {
    rmSync(dir, { recursive: true });
  });
  writeFileSync(join(dir, 'record'), record.value);
  await promisify(execFile)('kcat', [
    '-P',
    '-b',
    system.stack.kafkaBrokers,
    '-t',
    record.topic,
    '-p',
    String(record.partition),
    '-k',
    record.key.toString(),
    '-X',
    'acks=all',
    join(dir, 'record'),
  ]);
  await untilLearned(system, MODEL, state + 2);
});

test('after all of it no service has ended', async () => {
  for (const one of system.fleet.all) assert.ok(one.isRunning(), one.name);
  await letters.stop();
});

/** Returns how many examples version 1 has learned, once the learner has read its partition to the end. */
async function untilStill(): Promise<number> {
  const { status, body } = await system.http.send(
    'GET',
    `${system.url('online-learner')}/v1/models/${MODEL}/state`,
  );
  assert.equal(status, 200);
  return (
    (body as { shards: { versions: { examplesLearned: number }[] }[] }).shards[0]?.versions[0]
      ?.examplesLearned ?? 0
  );
}
