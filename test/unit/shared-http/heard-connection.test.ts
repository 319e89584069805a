import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, Socket } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { hearShared, hearStream } from '../../../shared/http/heard-connection.ts';
import type { HeardConnection } from '../../../shared/http/heard-connection.ts';

interface Pair {
  readonly server: Server;
  readonly client: Socket;
  readonly heard: HeardConnection;
}

/** Returns a server, and what gives connections to it. */
async function open(t: TestContext): Promise<{ server: Server; dial: () => Promise<Pair> }> {
  const server = createServer({ allowHalfOpen: true });
  const ends: Socket[] = [];
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => {
    for (const socket of ends) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    server,
    async dial() {
      const heard = new Promise<HeardConnection>((resolve) => {
        server.once('connection', (accepted) => {
          resolve(hearShared(accepted));
        });
      });
      const client = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
      client.on('error', () => undefined);
      const connection = await heard;
      ends.push(client, connection.socket);
      return { server, client, heard: connection };
    },
  };
}

/** Resolves with so much of what comes, as text. */
function told(heard: HeardConnection, length: number, memory = new Set<Buffer>()): Promise<string> {
  let text = '';
  return new Promise((resolve) => {
    heard.hear((bytes, count) => {
      memory.add(bytes);
      text += bytes.toString('latin1', 0, count);
      if (text.length >= length) resolve(text);
    });
  });
}

test('all connections are heard in the same memory, each its own bytes, and answered', async (t) => {
  const { dial } = await open(t);
  const pairs = [await dial(), await dial(), await dial()];
  const memory = new Set<Buffer>();
  for (const [k, { client, heard }] of pairs.entries()) {
    const text = String(k).repeat(1000);
    const all = told(heard, text.length, memory);
    client.write(text);
    assert.equal(await all, text);
    heard.socket.write('thanks');
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.equal(answer.toString(), 'thanks');
  }
  assert.equal(memory.size, 1, 'this Node reads accepted connections to memory of their own');
});

test('nothing is heard of a connection that is paused, and all of it afterwards', async (t) => {
  const { dial } = await open(t);
  const { client, heard } = await dial();
  const pieces: number[] = [];
  const count = (): number => pieces.reduce((sum, length) => sum + length, 0);
  heard.hear((_bytes, length) => {
    pieces.push(length);
  });
  heard.socket.pause();
  client.write('x'.repeat(1_000_000));
  for (let k = 0; k < 20; k++) await turn();
  assert.equal(count(), 0);
  heard.socket.resume();
  while (count() < 1_000_000) await turn();
});

test('what nobody hears is the stream’s, which keeps it until somebody reads', async (t) => {
  const { dial } = await open(t);
  const { client, heard } = await dial();
  const first = told(heard, 5);
  client.write('heard');
  assert.equal(await first, 'heard');
  heard.hear(undefined);
  const long = Array.from({ length: 40_000 }, (_, k) => String(k).padStart(8)).join('');
  client.end(long);
  for (let k = 0; k < 20; k++) await turn();
  let text = '';
  for await (const piece of heard.socket) {
    text += (piece as Buffer).toString('latin1');
    await turn();
  }
  assert.equal(text, long);
});

test('the end is told, and the other direction stays open', async (t) => {
  const { dial } = await open(t);
  const { client, heard } = await dial();
  heard.hear(() => undefined);
  const ended = once(heard.socket, 'end');
  client.end('last words');
  await ended;
  heard.socket.end('heard');
  const [answer] = (await once(client, 'data')) as [Buffer];
  assert.equal(answer.toString(), 'heard');
});

test('a server counts the connection until it is closed, whoever closes it', async (t) => {
  const { server, dial } = await open(t);
  const [one, other] = [await dial(), await dial()];
  for (const { heard } of [one, other]) {
    heard.hear(() => undefined);
    heard.socket.on('error', () => undefined);
  }
  const count = (): Promise<number> =>
    new Promise((resolve) => {
      server.getConnections((_error, connections) => {
        resolve(connections);
      });
    });
  assert.equal(await count(), 2);
  const closed = new Promise((resolve) => one.heard.socket.once('close', resolve));
  one.client.resetAndDestroy();
  await closed;
  assert.equal(await count(), 1);
  const isClosed = once(server, 'close');
  server.close();
  other.heard.socket.destroy();
  await isClosed;
});

test('where a Node has no such handle, the connection is heard by its stream', async () => {
  const socket = new Socket();
  const heard = hearShared(socket);
  assert.equal(heard.socket, socket);
  const all = told(heard, 4);
  socket.push(Buffer.from('by '));
  socket.push(Buffer.from('it'));
  assert.equal(await all, 'by it');
  heard.hear(undefined);
  assert.equal(socket.listenerCount('data'), 0);
  socket.destroy();
});

test('a stream is heard until another listener is set', async () => {
  const socket = new Socket();
  const heard = hearStream(socket);
  const [first, second] = [told(heard, 1), told(heard, 1)];
  socket.push(Buffer.from('a'));
  assert.equal(await second, 'a');
  assert.equal(await Promise.race([first, Promise.resolve('nothing')]), 'nothing');
  socket.destroy();
});
