import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** What a Redis server says of itself. */
export interface RedisAnswer {
  /** Undefined when it wants a password before it says. */
  readonly processId: number | undefined;
}

/**
 * Returns what the server at a `redis://` or `rediss://` URL answers to PING and INFO; throws when it does not answer in
 * `limitMs`, or is still loading its data. A demand for a password is an answer.
 */
export function askRedis(url: string, limitMs = 2000): Promise<RedisAnswer> {
  const { hostname, port, protocol } = new URL(url);
  const address = { host: hostname, port: port === '' ? 6379 : Number(port) };
  return new Promise((resolve, reject) => {
    const socket = protocol === 'rediss:' ? connectTls(address) : connect(address);
    const where = `${address.host}:${String(address.port)}`;
    let received = '';
    socket.setTimeout(limitMs, () =>
      socket.destroy(new Error(`no answer from ${where} in ${String(limitMs)} ms`)),
    );
    socket.on('connect', () => socket.write('PING\r\nINFO server\r\n'));
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const processId = /process_id:(\d+)\r\n/.exec(received)?.[1];
      if (received.startsWith('+PONG') && processId !== undefined) resolve({ processId: Number(processId) });
      else if (received.startsWith('-NOAUTH')) resolve({ processId: undefined });
      else if (received.startsWith('-'))
        reject(new Error(`${where} answers ${received.split('\r\n')[0] ?? ''}`));
      else return;
      socket.destroy();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      reject(new Error(`${where} closed the connection`));
    });
  });
}
