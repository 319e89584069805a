import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createAdmissionGate } from '../../../services/router/admission-gate.ts';
import type { AdmissionGate } from '../../../services/router/admission-gate.ts';
import { shedOverload } from '../../../services/router/http/shed-overload.ts';

interface Told {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly connection: string | undefined;
  readonly body: string;
}

interface Shedding {
  readonly gate: AdmissionGate;
  readonly closing: { isClosing: boolean };
  /** Sends a request over the one connection that there is. */
  ask(path: string, body?: string): Promise<Told>;
}

const BODY_BYTES_MAX = 200_000;

async function startShedding(t: TestContext): Promise<Shedding> {
  const gate = createAdmissionGate({ requestsMax: 1, bytesMax: 1_000_000, delayMaxMs: 200 });
  const closing = { isClosing: false };
  const shortcut = shedOverload(
    { ...gate, isClosing: () => closing.isClosing },
    BODY_BYTES_MAX,
    (asked, response) => {
      asked.resume().on('end', () => response.end('answered'));
      return true;
    },
  );
  const server = createServer((asked, response) => {
    shortcut(asked, response, () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => {
    agent.destroy();
    server.close();
  });
  return {
    gate,
    closing,
    ask: (path, body = 'x'.repeat(100_000)) =>
      new Promise((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port, path, method: 'POST', agent }, (answer) => {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
          answer.on('end', () => {
            const { statusCode: status = 0, headers } = answer;
            const { connection } = headers;
            resolve({ status, retryAfter: headers['retry-after'], connection, body: text });
          });
        });
        sent.on('error', reject);
        sent.end(body);
      }),
  };
}

const PATHS = ['/v1/models/clicks/predict', '/v2/models/clicks/infer'];

test('who is not let in is told when to come again, and its connection goes on', async (t) => {
  const { gate, ask } = await startShedding(t);
  gate.enter(100);
  for (const path of PATHS) {
    const { status, retryAfter, body } = await ask(path);
    assert.deepEqual([status, retryAfter], [503, '1']);
    assert.equal((JSON.parse(body) as { status: number }).status, 503);
  }
  gate.leave(100);
  for (const path of PATHS) {
    const { status, body, connection } = await ask(path);
    assert.deepEqual([status, body, connection], [200, 'answered', 'keep-alive']);
  }
  assert.deepEqual(gate.figures(), { underWay: 0, limit: 1, shed: 2 });
});

test('a router that is going answers what still comes, and closes the connection', async (t) => {
  const { closing, ask } = await startShedding(t);
  closing.isClosing = true;
  const { status, connection } = await ask('/v1/models/clicks/predict');
  assert.deepEqual([status, connection], [200, 'close']);
});

test('what is no prediction is never shed', async (t) => {
  const { gate, ask } = await startShedding(t);
  gate.enter(100);
  assert.equal((await ask('/readyz')).status, 200);
});

test('a client that goes before its answer leaves no place taken', async (t) => {
  const gate = createAdmissionGate({ requestsMax: 1, bytesMax: 1_000_000, delayMaxMs: 200 });
  const left = Promise.withResolvers<undefined>();
  const watched = {
    isClosing: () => false,
    enter: gate.enter,
    leave: (bytes: number) => {
      gate.leave(bytes);
      left.resolve(undefined);
    },
  };
  const server = createServer((asked, response) => {
    shedOverload(watched, BODY_BYTES_MAX, () => true)(asked, response, () => undefined);
    asked.socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const sent = request({ host: '127.0.0.1', port, path: PATHS[0], method: 'POST' });
  sent.on('error', () => undefined).end('x');
  await left.promise;
  assert.equal(gate.figures().underWay, 0);
});
