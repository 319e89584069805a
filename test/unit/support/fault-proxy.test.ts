import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import type { FaultProxy } from '../../support/fault-proxy.ts';

/** A client of an echo server behind a proxy. */
interface Echo {
  readonly proxy: FaultProxy;
  readonly socket: Socket;
  /** What has come back, with the time of each chunk. */
  readonly chunks: { readonly text: string; readonly atMs: number }[];
  /** What the server has received. */
  readonly arrived: () => string;
  readonly text: () => string;
  until(what: string, holds: () => boolean): Promise<void>;
}

async function startEcho(t: TestContext): Promise<Echo> {
  let arrived = '';
  const server = createServer((socket) => {
    socket.on('data', (bytes: Buffer) => {
      arrived += bytes.toString('latin1');
      socket.write(bytes);
    });
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startFaultProxy({ target: { port: (server.address() as AddressInfo).port } });
  const socket = connect({ port: proxy.port, host: '127.0.0.1' });
  const chunks: Echo['chunks'] = [];
  socket.on('data', (bytes: Buffer) => {
    chunks.push({ text: bytes.toString('latin1'), atMs: performance.now() });
  });
  socket.on('error', () => undefined);
  t.after(async () => {
    socket.destroy();
    await proxy.stop();
    server.close();
  });
  await once(socket, 'connect');
  return {
    proxy,
    socket,
    chunks,
    arrived: () => arrived,
    text: () => chunks.map(({ text }) => text).join(''),
    until: (what, holds) =>
      waitUntil(
        () => {
          if (!holds()) throw new Error('not yet');
        },
        { what, limitMs: 5000, everyMs: 5 },
      ),
  };
}

test('a proxy without faults passes everything both ways, and the ends of both sides', async (t) => {
  const { socket, text, until, proxy } = await startEcho(t);
  const sent = 'x'.repeat(3_000_000);
  socket.write(sent);
  await until('the echo', () => text().length === sent.length);
  assert.equal(text(), sent);
  assert.equal(proxy.passed(), 2 * sent.length);
  socket.end();
  await once(socket, 'close');
});

test('latency delays what comes while it lasts', async (t) => {
  const { socket, chunks, until, proxy } = await startEcho(t);
  proxy.setLatencyMs(60);
  const startMs = performance.now();
  socket.write('slow');
  await until('the echo', () => chunks.length > 0);
  assert.ok((chunks[0]?.atMs ?? 0) - startMs >= 118, 'both ways are delayed');
  assert.ok(proxy.held() >= 2);
});

test('a black hole holds everything on an open connection and lets it pass in order when it ends', async (t) => {
  const { socket, text, arrived, until, proxy } = await startEcho(t);
  proxy.setBlackHole('both');
  socket.write('first');
  await until('the bytes to be held', () => proxy.held() === 1);
  socket.write('second');
  await until('more bytes to be held', () => proxy.held() === 2);
  assert.equal(arrived(), '');
  assert.equal(socket.destroyed, false);
  proxy.setBlackHole('none');
  await until('the echo', () => text() === 'firstsecond');
});

test('a black hole of answers lets requests through: they are done, and nobody hears of it', async (t) => {
  const { socket, text, arrived, until, proxy } = await startEcho(t);
  proxy.setBlackHole('answers');
  socket.write('done');
  await until('the request to arrive', () => arrived() === 'done');
  await until('the answer to be held', () => proxy.held() === 1);
  assert.equal(text(), '');
  assert.equal(proxy.resetAll(), 1);
  await until('the client to be cut off', () => socket.destroyed);
  assert.equal(text(), '');
});

test('what a client sent before it died in a black hole still arrives', async (t) => {
  const { socket, arrived, until, proxy } = await startEcho(t);
  proxy.setBlackHole('requests');
  socket.write('testament');
  await until('the bytes to be held', () => proxy.held() === 1);
  socket.resetAndDestroy();
  proxy.setBlackHole('none');
  await until('the bytes to arrive', () => arrived() === 'testament');
});

test('slicing lets bytes dribble in the order they were sent', async (t) => {
  const { socket, chunks, text, until, proxy } = await startEcho(t);
  proxy.setSlicing({ bytes: 2, everyMs: 5 });
  socket.write('abcdefgh');
  await until('the echo', () => text() === 'abcdefgh');
  assert.ok(chunks.length >= 4, `${String(chunks.length)} chunks`);
});

test('a reset cuts every connection with ECONNRESET, and new ones pass', async (t) => {
  const { socket, proxy } = await startEcho(t);
  const failed = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>;
  await waitUntil(() => assert.equal(proxy.resetAll(), 1), { what: 'the connection', limitMs: 2000 });
  assert.equal((await failed)[0].code, 'ECONNRESET');
  const again = connect({ port: proxy.port, host: '127.0.0.1' });
  again.write('again');
  const [bytes] = (await once(again, 'data')) as [Buffer];
  assert.equal(bytes.toString(), 'again');
  again.destroy();
});

test('when the target is away connections are cut', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const proxy = await startFaultProxy({ target: { port } });
  t.after(() => proxy.stop());
  const socket = connect({ port: proxy.port, host: '127.0.0.1' });
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
  assert.equal(error.code, 'ECONNRESET');
});
