import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { HeadraceError } from '../../shared/errors.ts';

// Below what kernels hand out to outgoing connections (32768 and 49152 upwards): while a component is stopped, no
// client that keeps retrying can be given the component's own port as its local one.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(undefined);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      resolve(server);
    });
  });
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });
}

/**
 * Returns `count` different ports of 127.0.0.1 that are free now. The first is the first free one of `preferred`, if any
 * is. Someone may take one before it is used: the caller tries again then. Throws `stack-unavailable` when none is found.
 */
export async function choosePorts(count: number, preferred: readonly number[]): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  const candidates = [...preferred];
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries > 500)
        throw new HeadraceError(`no free port in ${String(tries)} tries`, {
          code: 'stack-unavailable',
          retriable: true,
        });
      const port = (held.size === 0 ? candidates.shift() : undefined) ?? randomInt(LOWEST_PORT, HIGHEST_PORT);
      const server = held.has(port) ? undefined : await hold(port);
      if (server !== undefined) held.set(port, server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(release));
  }
}
