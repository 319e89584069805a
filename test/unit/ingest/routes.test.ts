import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import fc from 'fast-check';
import { itemsOfNdjson } from '../../../services/ingest/http/read-items.ts';
import { ingestRoutes } from '../../../services/ingest/http/routes.ts';
import type { GivenItem, Ingest } from '../../../services/ingest/service.ts';
import { createApp } from '../../../shared/http/app.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { noTracing } from '../../../shared/observability/tracing.ts';
import { createIngestWorld, idsSent } from './ingest-world.ts';
import type { IngestWorld } from './ingest-world.ts';
import { modelState } from './join-world.ts';

const TRACE = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const LIMITS = { bodyBytes: 200_000, lineBytes: 300, itemsMax: 1500 };
const apps: FastifyInstance[] = [];
after(() => Promise.all(apps.map((app) => app.close())));

interface Answer {
  readonly status: number;
  readonly retryAfter: unknown;
  readonly body: {
    accepted?: number;
    rejected?: number;
    failed?: number;
    detail?: string;
    items?: {
      index: number;
      status: string;
      id?: string;
      field?: string;
      message?: string;
      offset?: number;
    }[];
  };
}

async function openRoutes(
  world: IngestWorld,
  pushesBack: () => string | undefined = () => undefined,
  ingest: () => Ingest = () => world.ingest,
): Promise<(payload: unknown, more?: { kind?: string; model?: string; type?: string }) => Promise<Answer>> {
  const app = await createApp({
    service: 'ingest',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: LIMITS.bodyBytes,
    waitsFor: () => [],
  });
  apps.push(app);
  const clicks = modelState('clicks');
  ingestRoutes(app, {
    model: (name) => (name === 'clicks' ? clicks : undefined),
    ingest,
    limits: LIMITS,
    tracing: noTracing,
    pushesBack,
  });
  return async (payload, { kind = 'events', model = 'clicks', type = 'application/json' } = {}) => {
    const answer = await app.inject({
      method: 'POST',
      url: `/v1/models/${model}/${kind}`,
      headers: { 'content-type': type, traceparent: TRACE },
      payload: payload as string | object,
    });
    return { status: answer.statusCode, retryAfter: answer.headers['retry-after'], body: answer.json() };
  };
}

const NDJSON = { type: 'application/x-ndjson' };
const event = (id: string, more: object = {}): object => ({
  id,
  subject: 'ada',
  features: { colour: 'grün' },
  label: 1,
  ...more,
});
const lines = (items: readonly object[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('');

test('one event and an array of them are accepted and each is answered in order', async () => {
  const world = createIngestWorld();
  const send = await openRoutes(world);
  const one = await send(event('a'));
  assert.equal(one.status, 202);
  assert.deepEqual([one.body.accepted, one.body.items?.[0]?.id, one.body.items?.[0]?.offset], [1, 'a', 0]);
  const many = await send(['b', 'c', 'd'].map((id) => event(id)));
  assert.equal(many.status, 202);
  assert.deepEqual(
    many.body.items?.map(({ index, id, status }) => [index, id, status]),
    [
      [0, 'b', 'accepted'],
      [1, 'c', 'accepted'],
      [2, 'd', 'accepted'],
    ],
  );
  assert.deepEqual(world.sent[0]?.headers, { traceparent: TRACE });
});

test('labels go to the labels', async () => {
  const world = createIngestWorld();
  const send = await openRoutes(world);
  const { status, body } = await send({ predictionId: '0~p', label: 0 }, { kind: 'labels' });
  assert.deepEqual([status, body.items?.[0]?.id, world.sent[0]?.topic], [202, '0~p', 'labels.v1']);
});

test('sound items are accepted beside faulty ones, and each is answered at its place', async () => {
  const world = createIngestWorld();
  const send = await openRoutes(world);
  const { status, body } = await send([event('a'), event('b', { label: 7 }), event('c'), 'text']);
  assert.equal(status, 207);
  assert.deepEqual([body.accepted, body.rejected, body.failed], [2, 2, 0]);
  assert.deepEqual(
    body.items?.map(({ index, status: one, id, field }) => [index, one, id ?? field]),
    [
      [0, 'accepted', 'a'],
      [1, 'rejected', 'label'],
      [2, 'accepted', 'c'],
      [3, 'rejected', '(item)'],
    ],
  );
  assert.deepEqual(idsSent(world.sent), [['a', 'c']]);
  assert.deepEqual(world.told, ['event rejected 2', 'event accepted 2']);
});

test('a request without a sound item is a bad request that says why', async () => {
  const world = createIngestWorld();
  const send = await openRoutes(world);
  const { status, body } = await send([event('a', { label: 7 })]);
  assert.deepEqual([status, body.detail, body.items?.length], [400, 'label: 7, allowed 0 or 1', 1]);
  assert.deepEqual(world.sent, []);
  for (const payload of [[], '{', '']) assert.equal((await send(payload)).status, 400);
  for (const payload of ['', '\n\r\n']) assert.equal((await send(payload, NDJSON)).status, 400);
});

test('an unknown model is not found', async () => {
  const send = await openRoutes(createIngestWorld());
  assert.equal((await send(event('a'), { model: 'nobody' })).status, 404);
});

test('items that Kafka did not take have failed, and the client is told to come again', async () => {
  const world = createIngestWorld();
  world.beforeAck = () => Promise.reject(new Error('broker away'));
  const send = await openRoutes(world);
  const { status, retryAfter, body } = await send([event('a'), event('b')]);
  assert.deepEqual([status, retryAfter, body.failed, body.detail], [503, '1', 2, 'broker away']);
});

test('items that failed after others of the stream were accepted make a mixed answer', async () => {
  const world = createIngestWorld({ batchMax: 500 });
  world.beforeAck = () => (world.sent.length > 1 ? Promise.reject(new Error('away')) : Promise.resolve());
  const send = await openRoutes(world);
  const { status, retryAfter, body } = await send(
    lines(Array.from({ length: 600 }, (_, index) => event(String(index)))),
    NDJSON,
  );
  assert.deepEqual([status, retryAfter, body.accepted, body.failed], [207, '1', 500, 100]);
  assert.deepEqual(
    body.items?.map(({ index }) => index),
    Array.from({ length: 600 }, (_, index) => index),
  );
});

test('a full queue is answered 429 with a time to come again', async () => {
  const world = createIngestWorld({ capacity: 2 });
  const send = await openRoutes(world);
  const { status, retryAfter } = await send(['a', 'b', 'c'].map((id) => event(id)));
  assert.deepEqual([status, retryAfter], [429, '1']);
  assert.deepEqual(world.told, ['event pushed back']);
  const pushed = await openRoutes(world, () => 'the join is full');
  assert.equal((await pushed(event('a'))).body.detail, 'the join is full');
});

test('a service that is not ready says so', async () => {
  const send = await openRoutes(createIngestWorld(), undefined, () => {
    throw new HttpProblem(503, 'waiting for Kafka', { retryAfterSeconds: 1 });
  });
  const { status, retryAfter } = await send(event('a'));
  assert.deepEqual([status, retryAfter], [503, '1']);
});

test('bodies, lines and counts above their limits are refused with the limit', async () => {
  const send = await openRoutes(createIngestWorld());
  const big = await send(JSON.stringify(event('a', { subject: 'x'.repeat(LIMITS.bodyBytes) })));
  assert.deepEqual([big.status, /allowed 200000/.test(big.body.detail ?? '')], [413, true]);
  const long = await send(lines([event('a'), event('b', { subject: 'x'.repeat(300) })]), NDJSON);
  assert.deepEqual(
    [long.status, /^line 2 has \d+ bytes, allowed 300$/.test(long.body.detail ?? '')],
    [413, true],
  );
  const many = await send(Array.from({ length: 1501 }, () => 1));
  assert.deepEqual([many.status, /more than 1500 items/.test(many.body.detail ?? '')], [413, true]);
  assert.equal((await send('1\n'.repeat(1501), NDJSON)).status, 413);
});

test('lines that are not JSON in UTF-8 are refused alone', async () => {
  const world = createIngestWorld();
  const send = await openRoutes(world);
  const body = Buffer.concat([
    Buffer.from(`${JSON.stringify(event('a'))}\r\n\n{"broken\n`),
    Buffer.of(0x22, 0xff, 0x22, 0x0a),
    Buffer.from(JSON.stringify(event('b'))),
  ]);
  const answer = await send(body, NDJSON);
  assert.equal(answer.status, 207);
  assert.deepEqual(
    answer.body.items?.map(({ status }) => status),
    ['accepted', 'rejected', 'rejected', 'accepted'],
  );
  assert.match(answer.body.items[2]?.message ?? '', /is not JSON in UTF-8/);
});

test('NDJSON gives the same items wherever the chunks are cut, also inside a character', async () => {
  const text = Buffer.from('{"a":"žluťoučký 🙂"}\n\n[1]\r\nnot json\n"last: 客户"');
  async function read(chunks: readonly Buffer[], groupSize: number): Promise<GivenItem[]> {
    const items: GivenItem[] = [];
    for await (const group of itemsOfNdjson(Readable.from(chunks), LIMITS, groupSize)) {
      assert.ok(group.length > 0 && group.length <= groupSize);
      items.push(...group);
    }
    return items;
  }
  const whole = await read([text], 100);
  assert.deepEqual(
    whole.filter((item) => 'value' in item),
    [{ value: { a: 'žluťoučký 🙂' } }, { value: [1] }, { value: 'last: 客户' }],
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(text.length), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (cuts, size) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const chunks = at.slice(1).map((end, index) => text.subarray(at[index], end));
        assert.deepEqual(await read(chunks, size), whole);
      },
    ),
  );
});

test('a line without an end is refused before it fills the memory', async () => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(100, 0x20);
    })(),
  );
  await assert.rejects(itemsOfNdjson(endless, LIMITS, 10).next(), { status: 413 });
});
