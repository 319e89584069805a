import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import avro from 'avsc';
import type { Schema } from 'avsc';
import { createCodec, schemaOf } from '../../../shared/events/codec.ts';
import type { Codec } from '../../../shared/events/codec.ts';
import type { Labels } from '../../../shared/domain/events.ts';

/** A schema registry in memory, behind the two endpoints that the codec uses. */
const registered = new Map<number, Schema>();
const asked: string[] = [];
let status = 200;
let server: Server;
let url = '';
let nowMs = 0;

const NOT_FOUND = { error_code: 40403, message: 'Schema not found' };

function answerTo(path: string, body: string): [number, object] {
  if (status !== 200) return [status, { error_code: status, message: 'as the test says' }];
  const byId = /^\/schemas\/ids\/(\d+)/.exec(path);
  if (byId !== null) {
    const schema = registered.get(Number(byId[1]));
    return schema === undefined ? [404, NOT_FOUND] : [200, { schema: JSON.stringify(schema) }];
  }
  const { schema } = JSON.parse(body) as { schema: string };
  const { name } = JSON.parse(schema) as { name: string };
  const found = [...registered].find(([, one]) => (one as { name: string }).name === name);
  return found === undefined ? [404, NOT_FOUND] : [200, { id: found[0], version: 1, subject: 'x', schema }];
}

before(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [code, body] = answerTo(request.url ?? '', Buffer.concat(chunks).toString());
      response.writeHead(code, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
      response.end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
after(
  () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
);
beforeEach(() => {
  registered.clear();
  registered.set(7, schemaOf('labels.v1'));
  asked.length = 0;
  status = 200;
  nowMs = 0;
});

const LABELS: Labels = {
  model: 'clicks',
  shard: 0,
  labels: [{ predictionId: '0~ä', label: 1, observedAtMs: 1_790_000_000_000, source: '' }],
};

async function prepared(): Promise<Codec> {
  const codec = createCodec(url, () => nowMs);
  await codec.prepare(['labels.v1']);
  return codec;
}

/** Returns a record in the wire format, written with another schema. */
function written(id: number, schema: Schema, value: unknown): Buffer {
  const header = Buffer.alloc(5);
  header.writeInt32BE(id, 1);
  return Buffer.concat([header, avro.Type.forSchema(schema).toBuffer(value)]);
}

test('a record comes back as it was, in the Confluent wire format, and the id is looked up once', async () => {
  const codec = await prepared();
  await codec.prepare(['labels.v1']);
  const bytes = codec.encode('labels.v1', LABELS);
  assert.deepEqual([...bytes.subarray(0, 5)], [0, 0, 0, 0, 7]);
  await codec.learnWriters([bytes]);
  const decoded = codec.decode('labels.v1', bytes);
  assert.ok(decoded.ok);
  assert.deepEqual(JSON.parse(JSON.stringify(decoded.value)), LABELS);
  assert.equal(asked.length, 1);
});

test('a record in the middle of a larger buffer is decoded', async () => {
  const codec = await prepared();
  const bytes = codec.encode('labels.v1', LABELS);
  const around = Buffer.concat([Buffer.alloc(3, 9), bytes, Buffer.alloc(3, 9)]);
  assert.ok(codec.decode('labels.v1', around.subarray(3, 3 + bytes.length)).ok);
});

test('encoding what does not fit the schema, or before the id is known, is wrong use', async () => {
  const codec = await prepared();
  assert.throws(() => codec.encode('labels.v1', { ...LABELS, shard: 'x' } as never), {
    name: 'TypeError',
    message: /^encoding labels.v1: .*shard/,
  });
  assert.throws(() => codec.encode('scores.v1', {} as never), {
    name: 'TypeError',
    message: /prepare\('scores.v1'\)/,
  });
});

test('bytes that are no record are undecodable, with the reason', async () => {
  const codec = await prepared();
  const bytes = codec.encode('labels.v1', LABELS);
  for (const [value, words] of [
    [Buffer.from('{"model":"clicks"}'), /not in the Confluent wire format/],
    [Buffer.of(0, 0, 0), /not in the Confluent wire format .*3 bytes/],
    [Buffer.alloc(0), /0 bytes/],
    [bytes.subarray(0, -1), /truncated/],
    [Buffer.concat([bytes, Buffer.of(1)]), /trailing/],
    [Buffer.concat([bytes.subarray(0, 5), Buffer.alloc(20, 0xff)]), /./],
  ] as const) {
    await codec.learnWriters([value, null]);
    const decoded = codec.decode('labels.v1', value);
    assert.ok(!decoded.ok);
    assert.match(decoded.reason, words);
  }
});

test('an id the registry does not know is undecodable, remembered for a while and then asked again', async () => {
  const codec = await prepared();
  const value = written(99, schemaOf('labels.v1'), LABELS);
  asked.length = 0;
  for (const at of [0, 1000, 29_999]) {
    nowMs = at;
    await codec.learnWriters([value]);
    assert.deepEqual(codec.decode('labels.v1', value), {
      ok: false,
      reason: 'schema id 99 is unknown to the schema registry',
    });
  }
  assert.equal(asked.length, 1);
  registered.set(99, schemaOf('labels.v1'));
  nowMs = 30_001;
  await codec.learnWriters([value]);
  assert.equal(codec.decode('labels.v1', value).ok, true);
});

test('a registry that is away is a retriable failure, and nothing is remembered', async () => {
  const codec = await prepared();
  const value = written(8, schemaOf('labels.v1'), LABELS);
  registered.set(8, schemaOf('labels.v1'));
  for (const code of [500, 503]) {
    status = code;
    const failure = { name: 'HeadraceError', code: 'schema-registry-unavailable', retriable: true };
    await assert.rejects(codec.learnWriters([value]), failure);
    await assert.rejects(createCodec(url, () => 0).prepare(['labels.v1']), failure);
  }
  status = 200;
  await codec.learnWriters([value]);
  assert.equal(codec.decode('labels.v1', value).ok, true);
});

test('a schema of ours that is not registered is named, and may come', async () => {
  const codec = createCodec(url, () => 0);
  await assert.rejects(codec.prepare(['scores.v1']), {
    name: 'HeadraceError',
    code: 'schema-missing',
    retriable: true,
    message: /scores\.v1-value is not registered/,
  });
  registered.set(8, schemaOf('scores.v1'));
  await codec.prepare(['scores.v1']);
});

test('a record of an older or newer schema is read with ours: defaults filled in, unknown fields left out', async () => {
  const codec = await prepared();
  const ours = schemaOf('labels.v1') as { fields: { name: string }[] };
  const newer = { ...ours, fields: [...ours.fields, { name: 'colour', type: 'string', default: 'red' }] };
  registered.set(8, newer as Schema);
  const value = written(8, newer as Schema, { ...LABELS, colour: 'blue' });
  await codec.learnWriters([value]);
  const decoded = codec.decode('labels.v1', value);
  assert.ok(decoded.ok);
  assert.deepEqual(JSON.parse(JSON.stringify(decoded.value)), LABELS);

  const scores = schemaOf('scores.v1') as { fields: { name: string }[] };
  const older = { ...scores, fields: scores.fields.filter(({ name }) => name !== 'watermarkMs') };
  registered.set(9, older as Schema);
  const old = written(9, older as Schema, {
    model: 'clicks',
    shard: 0,
    position: 4,
    versions: [1],
    events: [],
  });
  await codec.learnWriters([old]);
  const read = codec.decode('scores.v1', old);
  assert.ok(read.ok);
  assert.equal(read.value.watermarkMs, null);
});

test('a record of a schema that ours cannot read is undecodable', async () => {
  const codec = await prepared();
  const other = {
    type: 'record',
    name: 'Labels',
    namespace: 'headrace',
    fields: [{ name: 'model', type: 'int' }],
  };
  registered.set(8, other as Schema);
  const value = written(8, other as Schema, { model: 5 });
  await codec.learnWriters([value]);
  assert.equal(codec.decode('labels.v1', value).ok, false);
});
