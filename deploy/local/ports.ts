import { randomInt } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import { tryLock } from './file-lock.ts';

// Below what kernels hand out to outgoing connections (32768 and 49152 upwards): while a component is stopped, no
// client that keeps retrying can be given the component's own port as its local one.
const LOWEST_PORT = 20_000;
const HIGHEST_PORT = 32_000;

// One for all checkouts of who runs this. A port that is chosen is nobody's for the seconds until what it is for listens.
const CLAIMS = join(tmpdir(), `headrace-ports-${String(process.getuid?.() ?? '')}`);
const claimed = new Set<string>();

/** Returns whether no other choosing has the port: while this process lives, none will be given it. */
function claim(port: number): boolean {
  const path = join(CLAIMS, String(port));
  if (!tryLock(path)) return false;
  claimed.add(path);
  return true;
}

process.once('exit', () => {
  for (const path of claimed) rmSync(path, { force: true });
});

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
 * is. Whoever else chooses here is not given them while this process lives; a program that does not may take one before it is
 * used. Throws `stack-unavailable` when none is found.
 */
export async function choosePorts(count: number, preferred: readonly number[]): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  const candidates = [...preferred];
  mkdirSync(CLAIMS, { recursive: true, mode: 0o700 });
  try {
    for (let tries = 0; held.size < count; tries += 1) {
      if (tries > 500)
        throw new HeadraceError(`no free port in ${String(tries)} tries`, {
          code: 'stack-unavailable',
          retriable: true,
        });
      const port = (held.size === 0 ? candidates.shift() : undefined) ?? randomInt(LOWEST_PORT, HIGHEST_PORT);
      const server = held.has(port) ? undefined : await hold(port);
      if (server === undefined) continue;
      if (claim(port)) held.set(port, server);
      else await release(server);
    }
    return [...held.keys()];
  } finally {
    await Promise.all([...held.values()].map(release));
  }
}
