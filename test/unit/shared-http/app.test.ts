import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { HeadraceError } from '../../../shared/errors.ts';
import { createApp } from '../../../shared/http/app.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Log } from '../../../shared/observability/log.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';

const apps: FastifyInstance[] = [];
after(() => Promise.all(apps.map((app) => app.close())));

async function open(waitsFor: readonly string[] = [], log: Log = silentLog): Promise<FastifyInstance> {
  const metrics = createMetrics();
  metrics.counter('headrace_test_things_total', 'Things.').inc(3);
  const app = await createApp({
    service: 'test',
    log,
    registry: metrics.registry,
    bodyLimitBytes: 1000,
    waitsFor: () => waitsFor,
  });
  apps.push(app);
  const body = {
    type: 'object',
    required: ['name', 'size'],
    additionalProperties: false,
    properties: { name: { type: 'string' }, size: { type: 'integer', maximum: 5 } },
  };
  app.post('/things', { schema: { body, summary: 'Make a thing' } }, () => ({ made: true }));
  const failures: Record<string, () => never> = {
    problem: () => {
      throw new HttpProblem(429, 'too many', {
        retryAfterSeconds: 3,
        faults: [{ field: 'a', message: 'b' }],
      });
    },
    retriable: () => {
      throw new HeadraceError('kafka is away', { code: 'kafka-unavailable', retriable: true });
    },
    lasting: () => {
      throw new HeadraceError('the checkpoint is damaged', { code: 'checkpoint-damaged', retriable: false });
    },
    bug: () => {
      throw new TypeError('secret of the code');
    },
  };
  for (const [name, fail] of Object.entries(failures)) {
    app.get(`/fail/${name}`, fail);
    app.get(`/v2/fail/${name}`, fail);
  }
  return app;
}

async function get(
  app: FastifyInstance,
  url: string,
): Promise<{ status: number; body: Record<string, unknown>; retryAfter: unknown }> {
  const answer = await app.inject({ method: 'GET', url });
  assert.match(String(answer.headers['content-type']), /^application\/(problem\+)?json/);
  return { status: answer.statusCode, body: answer.json(), retryAfter: answer.headers['retry-after'] };
}

test('every failure is a problem document that says when to come again', async () => {
  const app = await open();
  assert.deepEqual(await get(app, '/fail/problem'), {
    status: 429,
    retryAfter: '3',
    body: {
      type: 'about:blank',
      title: 'Too many requests',
      status: 429,
      detail: 'too many',
      errors: [{ field: 'a', message: 'b' }],
    },
  });
  const retriable = await get(app, '/fail/retriable');
  assert.deepEqual(
    [retriable.status, retriable.retryAfter, retriable.body['detail']],
    [503, '1', 'kafka is away'],
  );
  const lasting = await get(app, '/fail/lasting');
  assert.deepEqual([lasting.status, lasting.retryAfter], [500, undefined]);
});

test('a bug tells the log and not the client', async () => {
  const lines: object[] = [];
  const app = await open([], { ...silentLog, error: (fields) => lines.push(fields) });
  const { status, body } = await get(app, '/fail/bug');
  assert.equal(status, 500);
  assert.ok(!JSON.stringify(body).includes('secret'));
  assert.equal((lines as { url: string }[])[0]?.url, '/fail/bug');
});

test('what does not exist is a problem document', async () => {
  const { status, body } = await get(await open(), '/nothing?x=1');
  assert.deepEqual(
    [status, body['title'], body['detail']],
    [404, 'Not found', 'no such resource: GET /nothing?x=1'],
  );
});

test('problems of the inference protocol carry its error field too', async () => {
  const app = await open();
  assert.equal((await get(app, '/v2/fail/problem')).body['error'], 'too many');
  assert.equal((await get(app, '/v2/nothing')).body['error'], 'no such resource: GET /v2/nothing');
  assert.equal((await get(app, '/fail/problem')).body['error'], undefined);
});

test('every fault of a body is told at once, by its field', async () => {
  const app = await open();
  const answer = await app.inject({ method: 'POST', url: '/things', payload: { size: 9, colour: 'red' } });
  assert.equal(answer.statusCode, 400);
  const fields = answer.json<{ errors: { field: string }[] }>().errors.map(({ field }) => field);
  assert.deepEqual(fields.sort(), ['colour', 'name', 'size']);
  const text = await app.inject({ method: 'POST', url: '/things', payload: { name: 'a', size: '5' } });
  assert.equal(text.statusCode, 400);
});

test('a body that is not JSON, or of another type, is the client’s fault', async () => {
  const app = await open();
  const send = async (payload: string, type: string): Promise<number> =>
    (await app.inject({ method: 'POST', url: '/things', payload, headers: { 'content-type': type } }))
      .statusCode;
  assert.equal(await send('{', 'application/json'), 400);
  assert.equal(await send('<a/>', 'application/xml'), 415);
});

test('a body above the limit is read to its end, so that its sender sees the answer', async () => {
  const app = await open();
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const bytes = 8 * 1024 * 1024;
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': bytes };
    const sending = request(`${address}/things`, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode));
    });
    sending.on('error', reject);
    sending.end(Buffer.alloc(bytes, 0x20));
  });
  assert.equal(status, 413);
});

test('a process that lives says so; one that waits names what for', async () => {
  assert.deepEqual((await get(await open(['kafka']), '/livez')).body, { status: 'alive' });
  const waiting = await get(await open(['kafka', 'redis']), '/readyz');
  assert.deepEqual(
    [waiting.status, waiting.body],
    [503, { status: 'waiting', waitsFor: ['kafka', 'redis'] }],
  );
  const ready = await get(await open(), '/readyz');
  assert.deepEqual([ready.status, ready.body], [200, { status: 'ready', waitsFor: [] }]);
});

test('metrics and the description of the interface are served', async () => {
  const app = await open();
  const text = await app.inject({ method: 'GET', url: '/metrics' });
  assert.match(String(text.headers['content-type']), /^text\/plain/);
  assert.match(text.body, /^headrace_test_things_total 3$/m);
  const { body } = await get(app, '/openapi.json');
  assert.deepEqual(
    Object.keys(body['paths'] as object).filter((path) => !path.includes('fail')),
    ['/things'],
  );
  assert.deepEqual((body['info'] as { title: string }).title, 'Headrace test');
});
