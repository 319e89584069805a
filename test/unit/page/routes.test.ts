import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { readPageAssets } from '../../../services/monitor/adapters/page-assets.ts';
import { createRegistryLink, rolloutWord } from '../../../services/monitor/adapters/registry-link.ts';
import { deadLetterRoutes } from '../../../services/monitor/http/dead-letter-routes.ts';
import { pageRoutes } from '../../../services/monitor/http/page-routes.ts';
import { registryRoutes } from '../../../services/monitor/http/registry-routes.ts';
import { createApp } from '../../../shared/http/app.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';

const hosts = new Set(['headrace.internal']);
const apps: FastifyInstance[] = [];
after(() => Promise.all(apps.map((app) => app.close())));

async function newApp(): Promise<FastifyInstance> {
  const app = await createApp({
    service: 'monitor',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: 4096,
    waitsFor: () => [],
  });
  apps.push(app);
  return app;
}

const assets = readPageAssets();

test('the page may load what this server serves and nothing else, and its files never change where they are', async () => {
  const app = await newApp();
  pageRoutes(app, { hosts, assets: () => assets });
  const index = await app.inject({ url: '/', headers: { host: 'localhost:8085' } });
  assert.equal(index.statusCode, 200);
  const policy = String(index.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'; script-src 'self' 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'self'/);
  assert.ok(!policy.includes('unsafe'));
  assert.equal(index.headers['x-content-type-options'], 'nosniff');
  assert.doesNotMatch(index.body, /https?:\/\/(?!www\.w3\.org)/);
  assert.doesNotMatch(index.body, /\son\w+=|<style|style=/);
  const again = await app.inject({
    url: '/',
    headers: { host: '127.0.0.1', 'if-none-match': String(index.headers['etag']) },
  });
  assert.deepEqual([again.statusCode, again.body], [304, '']);
  const linked = [...index.body.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, url = '']) => url);
  assert.ok(linked.length > 20);
  for (const url of linked) {
    const file = await app.inject({ url, headers: { host: 'localhost', 'accept-encoding': 'gzip' } });
    assert.equal(file.statusCode, 200, url);
    assert.match(String(file.headers['cache-control']), /immutable/);
    assert.equal(file.headers['content-encoding'], 'gzip');
    assert.match(String(file.headers['content-type']), /^text\/(javascript|css); charset=utf-8$/);
  }
  for (const url of [
    '/assets/0000000000000000/main.ts',
    `/assets/${assets.digest}/index.html`,
    `/assets/${assets.digest}/..%2fconfig.ts`,
  ])
    assert.equal((await app.inject({ url, headers: { host: 'localhost' } })).statusCode, 404, url);
});

test('what browsers are given has no types and imports only what they can find', () => {
  for (const [name, { bytes }] of assets.files) {
    if (!name.endsWith('.ts')) continue;
    for (const [, from = ''] of bytes.toString().matchAll(/^import .* from '([^']+)';$/gm))
      assert.ok(
        /^(preact|preact\/hooks|htm|uplot)$/.test(from) || assets.files.has(from.replace('./', '')),
        `${name} imports ${from}`,
      );
  }
});

test('a name that is not ours is refused, addresses and named hosts are not', async () => {
  const app = await newApp();
  pageRoutes(app, { hosts, assets: () => assets });
  const status = async (host: string): Promise<number> =>
    (await app.inject({ url: '/', headers: { host } })).statusCode;
  for (const host of [
    'localhost',
    'localhost:8085',
    '127.0.0.1:8085',
    '[::1]:8085',
    '10.1.2.3',
    'headrace.internal:80',
    'HEADRACE.internal',
  ])
    assert.equal(await status(host), 200, host);
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'headrace.internal.evil',
  ])
    assert.equal(await status(host), 421, host);
});

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

async function registryApp(): Promise<{ app: FastifyInstance; asked: Asked[] }> {
  const app = await newApp();
  const asked: Asked[] = [];
  registryRoutes(app, {
    hosts,
    ask: (question) => {
      asked.push(question);
      return Promise.resolve({ status: 409, type: 'application/problem+json', text: '{"detail":"no"}' });
    },
  });
  return { app, asked };
}

const SAME = { host: 'localhost', origin: 'http://localhost', 'sec-fetch-site': 'same-origin' };
const COMMAND = { actor: 'ada', reason: 'größer' };

test('a command goes to the registry with who and why, and its answer comes back as it is', async () => {
  const { app, asked } = await registryApp();
  const url = '/registry/v1/models/clicks/rollout';
  const answer = await app.inject({
    method: 'POST',
    url: `${url}/promote`,
    headers: SAME,
    payload: { ...COMMAND, key: 'abcdefgh', to: 'next' },
  });
  assert.deepEqual(
    [answer.statusCode, answer.headers['content-type'], answer.body],
    [409, 'application/problem+json; charset=utf-8', '{"detail":"no"}'],
  );
  await app.inject({ method: 'POST', url: `${url}/pause`, headers: SAME, payload: COMMAND });
  await app.inject({ url: '/registry/v1/models/clicks/history?last=50&before=7', headers: SAME });
  const who = { 'headrace-actor': 'ada', 'headrace-reason': 'größer' };
  assert.deepEqual(asked, [
    {
      method: 'POST',
      path: '/v1/models/clicks/rollout/promote',
      headers: { ...who, 'idempotency-key': 'abcdefgh' },
      body: { to: 'next' },
    },
    { method: 'POST', path: '/v1/models/clicks/rollout/pause', headers: who },
    { method: 'GET', path: '/v1/models/clicks/history?last=50&before=7' },
  ]);
});

test('commands of other pages, in other forms, or of other kinds never reach the registry', async () => {
  const { app, asked } = await registryApp();
  const url = '/registry/v1/models/clicks/rollout/abort';
  const status = async (
    headers: Record<string, string>,
    path = url,
    payload: object | string = COMMAND,
  ): Promise<number> => (await app.inject({ method: 'POST', url: path, headers, payload })).statusCode;
  assert.equal(await status({ host: 'localhost' }), 403);
  assert.equal(await status({ ...SAME, 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await status({ ...SAME, 'sec-fetch-site': 'same-site' }), 403);
  assert.equal(await status({ ...SAME, origin: 'http://evil.example' }), 403);
  assert.equal(await status({ ...SAME, origin: 'null' }), 403);
  assert.equal(await status({ ...SAME, host: 'evil.example', origin: 'http://evil.example' }), 421);
  assert.equal(await status({ ...SAME, 'content-type': 'text/plain' }, url, JSON.stringify(COMMAND)), 415);
  assert.equal(
    await status({ ...SAME, 'content-type': 'application/x-www-form-urlencoded' }, url, 'actor=eve'),
    415,
  );
  for (const payload of [
    {},
    { actor: '', reason: '' },
    { ...COMMAND, more: 1 },
    { ...COMMAND, actor: 'a\nb' },
  ])
    assert.equal(await status(SAME, url, payload), 400);
  for (const path of [
    '/registry/v1/models',
    '/registry/v1/models/clicks',
    '/registry/v1/models/clicks/traffic',
    '/registry/v1/models/clicks/rollout/nothing',
  ])
    assert.equal(await status(SAME, path), 404);
  assert.equal(
    (await app.inject({ url: '/registry/v1/models/..%2f..%2fx/rollout', headers: SAME })).statusCode,
    400,
  );
  assert.deepEqual(asked, []);
});

test('a registry that is away, slow to be believed, or not configured is a problem with a reason', async () => {
  await assert.rejects(
    createRegistryLink('http://127.0.0.1:1')({ method: 'GET', path: '/' }),
    /the registry does not answer/,
  );
  await assert.rejects(rolloutWord(createRegistryLink(''), 'clicks'), /no registry is configured/);
  const server = createServer((request, response) => {
    if (request.url === '/elsewhere') response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
    else response.end(Buffer.alloc(9 * 1024 * 1024, 'x'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const link = createRegistryLink(`http://127.0.0.1:${String(port)}/`);
  await assert.rejects(link({ method: 'GET', path: '/large' }), /more than 8388608 bytes/);
  await assert.rejects(link({ method: 'GET', path: '/elsewhere' }), /the registry does not answer/);
  server.closeAllConnections();
  server.close();
});

test('dead letters are listed a page at a time, shown with their bytes, and put back by a page of this server alone', async () => {
  const app = await newApp();
  const letter = {
    number: 7,
    service: 'ingest',
    reason: 'invalid-label',
    detail: 'label 3',
    atMs: 1,
    topic: 'labels.v1',
    partition: 0,
    offset: 4,
    itemIndex: 0,
    key: Buffer.from('k'),
    value: Buffer.from('bytes'),
    recordTimeMs: 1,
  } as const;
  const asked: unknown[] = [];
  deadLetterRoutes(app, {
    hosts,
    desk: () => ({
      newest: (...given) => {
        asked.push(given);
        return Promise.resolve([letter]);
      },
      one: (number) => Promise.resolve(number === 7 ? letter : undefined),
      redrive: ({ topic }) => Promise.resolve({ topic, partition: 0, offset: '9' }),
    }),
    onRedriven: (done) => asked.push(done),
  });
  const get = async (url: string): Promise<[number, Record<string, unknown>]> => {
    const answer = await app.inject({ url, headers: SAME });
    return [answer.statusCode, answer.json<Record<string, unknown>>()];
  };
  const [, { letters }] = await get('/v1/dead-letters?last=50&before=9');
  assert.deepEqual(
    (letters as { key: string; value?: unknown; valueBytes: number }[]).map(({ key, value, valueBytes }) => [
      key,
      value,
      valueBytes,
    ]),
    [['k', undefined, 5]],
  );
  assert.equal((await get('/v1/dead-letters?last=101'))[0], 400);
  assert.equal((await get('/v1/dead-letters/7'))[1]['valueBase64'], Buffer.from('bytes').toString('base64'));
  assert.equal((await get('/v1/dead-letters/8'))[0], 404);
  const url = '/v1/dead-letters/7/redrive';
  assert.equal(
    (await app.inject({ method: 'POST', url, headers: { host: 'localhost' }, payload: COMMAND })).statusCode,
    403,
  );
  const done = await app.inject({ method: 'POST', url, headers: SAME, payload: COMMAND });
  assert.deepEqual(done.json(), { number: 7, topic: 'labels.v1', partition: 0, offset: '9' });
  assert.deepEqual(asked, [[50, 9], { number: 7, ...COMMAND }]);
});
