import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { installReconnectFix } from '../../../shared/kafka/reconnect-fix.ts';

installReconnectFix();

/** What the test uses of a kafkajs connection. */
interface Connection {
  connect(): Promise<boolean>;
  disconnect(): Promise<unknown>;
  send(request: object): Promise<Buffer>;
}

const require = createRequire(import.meta.url);
const KafkaConnection = require('kafkajs/src/network/connection') as new (options: object) => Connection;
const createSocketFactory = require('kafkajs/src/network/socketFactory') as () => unknown;
const Encoder = require('kafkajs/src/protocol/encoder') as new () => unknown;

const noLog = { debug: () => undefined, error: () => undefined, warn: () => undefined };
const REQUEST = {
  request: { apiKey: 18, apiName: 'Probe', apiVersion: 0, encode: () => Promise.resolve(new Encoder()) },
  response: {
    decode: (payload: Buffer) => Promise.resolve({ payload }),
    parse: ({ payload }: { payload: Buffer }) => Promise.resolve(payload),
  },
};

/** Returns an answer as the broker frames it. */
function answerTo(request: Buffer, text: string): Buffer {
  const body = Buffer.concat([request.subarray(8, 12), Buffer.from(text)]);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}

async function connectTo(
  t: TestContext,
  onRequest: (socket: Socket, request: Buffer, connections: number) => void,
): Promise<{ connection: Connection; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    const nth = (connections += 1);
    socket.on('error', () => undefined);
    socket.on('data', (request: Buffer) => {
      onRequest(socket, request, nth);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const connection = new KafkaConnection({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    logger: { namespace: () => noLog },
    socketFactory: createSocketFactory(),
    requestTimeout: 500,
    connectionTimeout: 500,
  });
  t.after(async () => {
    await connection.disconnect();
    server.close();
  });
  return { connection, connections: () => connections };
}

test('an answer that was cut off half-way does not stand before the answers of the next connection', async (t) => {
  const { connection } = await connectTo(t, (socket, request, nth) => {
    const answer = answerTo(request, 'an answer');
    if (nth > 1) socket.write(answer);
    else
      socket.write(answer.subarray(0, 7), () =>
        setImmediate(() => {
          socket.resetAndDestroy();
        }),
      );
  });
  await connection.connect();
  await assert.rejects(connection.send(REQUEST), /ECONNRESET|Closed connection/);
  await connection.connect();
  assert.equal(String(await connection.send(REQUEST)), 'an answer');
  assert.equal(String(await connection.send(REQUEST)), 'an answer');
});

test('two that find a connection closed at once open it once', async (t) => {
  const { connection, connections } = await connectTo(t, (socket, request) => {
    socket.write(answerTo(request, 'an answer'));
  });
  await Promise.all([connection.connect(), connection.connect()]);
  assert.equal(String(await connection.send(REQUEST)), 'an answer');
  assert.equal(connections(), 1);
});
