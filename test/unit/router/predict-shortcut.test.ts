import assert from 'node:assert/strict';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { predictRoutes } from '../../../services/router/http/predict-routes.ts';
import { createPredictShortcut } from '../../../services/router/http/predict-shortcut.ts';
import { stampArrival } from '../../../services/router/http/request-of.ts';
import { takeOnlyStrictJson } from '../../../services/router/http/strict-json.ts';
import { createApp } from '../../../shared/http/app.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { takeSmallBulk } from './http-world.ts';
import { BODY, createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

const PREDICT = '/v1/models/clicks/predict';
const JSON_TYPE = { 'content-type': 'application/json' };

interface Desk {
  readonly app: FastifyInstance;
  readonly world: RouterWorld;
  /** How many requests the shortcut answered. */
  readonly plainCount: () => number;
  send(
    path: string,
    pieces: readonly (string | Buffer)[],
    headers?: object,
    hasHost?: boolean,
  ): Promise<Sent>;
}

interface Sent {
  readonly status: number;
  readonly type: string | undefined;
  readonly retryAfter: string | undefined;
  readonly body: Record<string, unknown>;
}

async function open(t: TestContext): Promise<Desk> {
  const world = createWorld();
  await serve(world, 1, 0.1);
  const { router } = world;
  let plainCount = 0;
  const app = await createApp({
    service: 'router',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: 2048,
    waitsFor: () => [],
    shortcut: createPredictShortcut({
      router: () => ({
        ...router,
        predictPlain: (asked, done) => {
          const isTaken = router.predictPlain(asked, done);
          if (isTaken) plainCount += 1;
          return isTaken;
        },
      }),
      bodyLimitBytes: 2048,
      monotonicMs: () => world.clock.nowMs,
    }),
  });
  takeOnlyStrictJson(app);
  stampArrival(app, () => world.clock.nowMs);
  const answerBulk = takeSmallBulk(app, world);
  predictRoutes(app, { router: () => router, answerBulk });
  await app.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => app.close());
  const { port } = app.server.address() as AddressInfo;

  async function send(
    path: string,
    pieces: readonly (string | Buffer)[],
    headers = {},
    hasHost = true,
  ): Promise<Sent> {
    const body = Buffer.concat(pieces.map((piece) => Buffer.from(piece)));
    const all = { ...JSON_TYPE, 'content-length': String(body.length), ...headers };
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request(
        { host: '127.0.0.1', port, path, method: 'POST', headers: all, setHost: hasHost },
        resolve,
      );
      sent.on('error', reject);
      for (const piece of pieces) sent.write(piece);
      sent.end();
    });
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return {
      status: answer.statusCode ?? 0,
      type: answer.headers['content-type'],
      retryAfter: answer.headers['retry-after'],
      body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>,
    };
  }
  return { app, world, plainCount: () => plainCount, send };
}

/** Returns an answer of the route alone, without the shortcut. */
async function byRoute({ app }: Desk, path: string, payload: string | Buffer, headers = {}): Promise<Sent> {
  const answer = await app.inject({
    method: 'POST',
    url: path,
    payload,
    headers: { ...JSON_TYPE, ...headers },
  });
  const { 'content-type': type, 'retry-after': retryAfter } = answer.headers;
  return {
    status: answer.statusCode,
    type: String(type),
    retryAfter: retryAfter,
    body: answer.json(),
  };
}

test('a plain request is answered by the shortcut as the route answers it, and logged alike', async (t) => {
  const desk = await open(t);
  const body = JSON.stringify({ ...BODY, id: 'mine', predictedAtMs: 5000 });
  const sent = await desk.send(PREDICT, [body]);
  assert.equal(desk.plainCount(), 1);
  assert.deepEqual(sent, await byRoute(desk, PREDICT, body));
  assert.equal(desk.plainCount(), 1);
  const [first, second] = await desk.world.logged();
  assert.ok(first !== undefined);
  assert.deepEqual(first, second);
});

test('a body that comes in pieces is one body', async (t) => {
  const desk = await open(t);
  const body = JSON.stringify(BODY);
  const { status } = await desk.send(PREDICT, [body.slice(0, 20), body.slice(20)]);
  assert.deepEqual([status, desk.plainCount()], [200, 1]);
});

test('everything else is answered by the route, as if nobody had read it before', async (t) => {
  const desk = await open(t);
  const cases: readonly (readonly [string, string | Buffer, object?])[] = [
    [PREDICT, JSON.stringify({ ...BODY, subject: 'Zoë' })],
    [PREDICT, '{'],
    [PREDICT, '{"subject":"s","features":{},"__proto__":{}}'],
    [PREDICT, JSON.stringify({ ...BODY, more: 1 })],
    [PREDICT, JSON.stringify({ ...BODY, features: { nothing: 1 } })],
    [PREDICT, JSON.stringify({ ...BODY, predictedAtMs: 1e15 })],
    [PREDICT, JSON.stringify({ ...BODY, id: 'a b' })],
    [PREDICT, Buffer.from([0x7b, 0xff, 0x7d])],
    [PREDICT, JSON.stringify(BODY), { 'headrace-version': 'candidate' }],
    [PREDICT, JSON.stringify(BODY), { 'headrace-version': '1' }],
    [PREDICT, JSON.stringify(BODY), { 'content-type': 'text/plain' }],
    [PREDICT, JSON.stringify(BODY), { 'content-type': 'application/json;charset=utf-8' }],
    [PREDICT, `"${'x'.repeat(3000)}"`],
    ['/v1/models/nothing/predict', JSON.stringify(BODY)],
    ['/v1/models/clicks/predict?x=1', JSON.stringify(BODY)],
    ['/v1/models/Clicks%20/predict', JSON.stringify(BODY)],
  ];
  for (const [path, payload, headers] of cases) {
    const [sent, expected] = [
      await desk.send(path, [payload], headers),
      await byRoute(desk, path, payload, headers),
    ];
    const isAnswered = expected.status === 200;
    const { predictionId: _id, ...told } = sent.body;
    const { predictionId: _otherId, ...expectedTold } = expected.body;
    assert.deepEqual(
      { ...sent, body: told },
      { ...expected, body: expectedTold },
      String(payload).slice(0, 60),
    );
    assert.equal(isAnswered, 'score' in sent.body);
  }
  assert.equal(desk.plainCount(), 0);
});

test('a plain request that cannot be answered is told so in the same words', async (t) => {
  const desk = await open(t);
  desk.world.scorers.meddle(() => Float32Array.of(NaN));
  const body = JSON.stringify(BODY);
  const sent = await desk.send(PREDICT, [body]);
  assert.equal(desk.plainCount(), 1);
  assert.deepEqual(sent, await byRoute(desk, PREDICT, body));
  assert.deepEqual([sent.status, sent.retryAfter], [503, '1']);
});

test('a request without a host is refused with words, as every service refuses it', async (t) => {
  const desk = await open(t);
  const { status, type, body } = await desk.send(PREDICT, [JSON.stringify(BODY)], {}, false);
  assert.deepEqual([status, type], [400, 'application/problem+json; charset=utf-8']);
  assert.match(String(body['detail']), /^header host: undefined/);
});
