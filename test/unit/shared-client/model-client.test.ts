import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { AnswerError } from '../../../shared/client/answer-error.ts';
import { createModelClient } from '../../../shared/client/model-client.ts';
import type { ModelClient, ModelClientOptions, PredictionAsk } from '../../../shared/client/model-client.ts';

const ASK: PredictionAsk = { subject: 'ada', features: { shop: 'north' } };

interface Service {
  readonly url: string;
  /** What was asked, `METHOD path body`, in order. */
  readonly asked: string[];
  /** How many connections were made. */
  readonly connections: () => number;
}

type Handler = (request: IncomingMessage, reply: ServerResponse, body: string) => void;

/** Starts a service that answers as told. */
async function serve(t: TestContext, handler: Handler): Promise<Service> {
  const asked: string[] = [];
  let connections = 0;
  const server = createServer((request, reply) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''} ${body}`);
      handler(request, reply, body);
    });
  });
  server.on('connection', () => (connections += 1));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${String(port)}`, asked, connections: () => connections };
}

/** Returns an address where nobody listens. */
async function nobody(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${String(port)}`;
}

const json = (
  reply: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void => {
  reply.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value));
};
const answering: Handler = (_request, reply, body) => {
  const { id = '' } = JSON.parse(body) as { id?: string };
  json(reply, 200, { predictionId: `0~${id}` });
};

/** Returns a client that does not wait, and what it would have waited for, ms. */
function clientOf(
  t: TestContext,
  options: Partial<ModelClientOptions>,
): { client: ModelClient; pauses: readonly number[] } {
  const pauses: number[] = [];
  const pause = async (ms: number): Promise<void> => {
    pauses.push(ms);
    await turn();
  };
  const client = createModelClient({
    model: 'clicks',
    routers: ['http://127.0.0.1:1'],
    ingests: ['http://127.0.0.1:1'],
    pause,
    ...options,
  });
  t.after(() => {
    client.close();
  });
  return { client, pauses };
}

test('a prediction is asked for once over a kept connection, with an id of its own', async (t) => {
  const router = await serve(t, answering);
  const { client } = clientOf(t, { routers: [router.url] });
  const first = await client.predict(ASK);
  assert.match(first.predictionId, /^0~[0-9a-f-]{36}$/);
  assert.equal((await client.predict({ ...ASK, id: 'mine' })).predictionId, '0~mine');
  assert.equal(router.connections(), 1);
  assert.match(router.asked[1] ?? '', /^POST \/v1\/models\/clicks\/predict \{"subject":"ada"/);
});

test('a refused connection is tried with the next router, at once and with the same id', async (t) => {
  const router = await serve(t, answering);
  const { client, pauses } = clientOf(t, { routers: [await nobody(), router.url] });
  assert.match((await client.predict(ASK)).predictionId, /^0~/);
  assert.deepEqual(pauses, []);
});

test('when nobody listens the tries end, each round waiting twice as long', async (t) => {
  const { client, pauses } = clientOf(t, { routers: [await nobody()], attempts: 4 });
  await assert.rejects(client.predict(ASK), /ECONNREFUSED/);
  assert.deepEqual(pauses, [50, 100, 200]);
});

test('a cut connection is tried again', async (t) => {
  let calls = 0;
  const router = await serve(t, (request, reply, body) => {
    calls += 1;
    if (calls === 1) request.socket.destroy();
    else answering(request, reply, body);
  });
  const { client } = clientOf(t, { routers: [router.url] });
  assert.match((await client.predict(ASK)).predictionId, /^0~/);
  assert.equal(router.asked[0], router.asked[1]);
});

test('Retry-After is waited for, and no longer than allowed', async (t) => {
  let calls = 0;
  const router = await serve(t, (request, reply, body) => {
    calls += 1;
    if (calls > 2) answering(request, reply, body);
    else json(reply, 503, { detail: 'waiting for traffic.v1' }, { 'retry-after': calls === 1 ? '2' : '60' });
  });
  const { client, pauses } = clientOf(t, { routers: [router.url], pauseMsMax: 5000 });
  await client.predict(ASK);
  assert.deepEqual(pauses, [2000, 5000]);
});

test('another answer is not tried again and is told with its problem', async (t) => {
  const router = await serve(t, (_request, reply) => {
    json(reply, 400, { title: 'Bad request', status: 400, detail: 'features.shoop: is not a feature' });
  });
  const { client } = clientOf(t, { routers: [router.url] });
  await assert.rejects(client.predict(ASK), (error) => {
    assert.ok(error instanceof AnswerError);
    assert.deepEqual([error.status, error.problem?.detail], [400, 'features.shoop: is not a feature']);
    return true;
  });
  assert.equal(router.asked.length, 1);
});

test('a try that takes too long is given up and tried with the next router', async (t) => {
  const slow = await serve(t, () => undefined);
  const router = await serve(t, answering);
  const { client } = clientOf(t, { routers: [slow.url, router.url], timeoutMs: 50 });
  assert.match((await client.predict(ASK)).predictionId, /^0~/);
  assert.equal(slow.asked.length, 1);
});

test('a connection that the router closes is not used again', async (t) => {
  const router = await serve(t, (request, reply, body) => {
    reply.setHeader('connection', 'close');
    answering(request, reply, body);
  });
  const { client } = clientOf(t, { routers: [router.url] });
  await client.predict(ASK);
  await client.predict(ASK);
  assert.equal(router.connections(), 2);
});

test('the version asked for is named in a header, to routers only', async (t) => {
  const versions: unknown[] = [];
  const service = await serve(t, (request, reply, body) => {
    versions.push(request.headers['headrace-version']);
    answering(request, reply, body);
  });
  const { client } = clientOf(t, { routers: [service.url], ingests: [service.url], version: 'candidate' });
  await client.predict(ASK);
  await client.feedback('0~a', 1);
  assert.deepEqual(versions, ['candidate', undefined]);
});

test('feedback and events go to ingest; an event that is not taken is an error', async (t) => {
  const ingest = await serve(t, (_request, reply, body) => {
    const given = JSON.parse(body) as unknown;
    const count = Array.isArray(given) ? given.length : 1;
    const items = Array.from({ length: count }, (_, index) =>
      index === 2 ? { index, status: 'rejected', message: 'no' } : { index, status: 'accepted', offset: 7 },
    );
    json(reply, count > 2 ? 207 : 202, { items });
  });
  const { client } = clientOf(t, { ingests: [ingest.url] });
  await client.feedback('0~a', 0, { observedAtMs: 5 });
  const event = { id: 'e', subject: 'ada', features: {}, label: 1 } as const;
  assert.deepEqual(await client.publish([event, event]), [7, 7]);
  assert.deepEqual(await client.publish([]), []);
  await assert.rejects(client.publish([event, event, event]), /event 2: .*rejected/);
  assert.equal(
    ingest.asked[0],
    'POST /v1/models/clicks/labels {"predictionId":"0~a","label":0,"observedAtMs":5}',
  );
});

test('many are answered in order, a refused one by its problem, by the first router that is there', async (t) => {
  const router = await serve(t, (_request, reply, body) => {
    reply.writeHead(200, { 'content-type': 'application/x-ndjson' });
    for (const line of body.trimEnd().split('\n')) {
      const { id } = JSON.parse(line) as { id: string };
      reply.write(
        `${JSON.stringify(id === 'b' ? { line: 2, detail: 'bad' } : { predictionId: `0~${id}` })}\n`,
      );
    }
    reply.end();
  });
  const { client } = clientOf(t, { routers: [await nobody(), router.url] });
  const seen: unknown[] = [];
  for await (const one of client.predictMany(['a', 'b', 'c'].map((id) => ({ ...ASK, id }))))
    seen.push(one.kind === 'answered' ? one.answer.predictionId : one.problem.detail);
  assert.deepEqual(seen, ['0~a', 'bad', '0~c']);
});

test('many end with the error of who gives them, of the router, and with the caller', async (t) => {
  const router = await serve(t, (_request, reply) => {
    json(reply, 404, { detail: 'model clicks does not exist' });
  });
  const { client } = clientOf(t, { routers: [router.url] });
  await assert.rejects(client.predictMany([ASK]).next(), /404 model clicks does not exist/);
  async function* broken(): AsyncGenerator<PredictionAsk> {
    await turn();
    yield ASK;
    throw new Error('no more');
  }
  await assert.rejects(client.predictMany(broken()).next(), /no more/);
  const { client: alone } = clientOf(t, { routers: [await nobody()] });
  await assert.rejects(alone.predictMany([ASK]).next(), /ECONNREFUSED/);
});

test('a client without addresses is refused', () => {
  assert.throws(() => createModelClient({ model: 'a', routers: [], ingests: ['http://a'] }), /routers: none/);
});
