import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import type { Redis } from 'ioredis';
import { choosePorts } from '../../../deploy/local/ports.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createRedis } from '../../../shared/redis/connect.ts';

/** A Redis server of a test file's own. */
export interface RedisServer {
  /** Returns one connection for all tests of the file. */
  redis(): Redis;
}

/** Starts a real redis-server without persistence before the first test of the file and ends it after the last. */
export function useRedis(): RedisServer {
  let stop = (): Promise<void> => Promise.resolve();
  let connected: Redis | undefined;
  before(async () => {
    const dir = mkdtempSync(join(tmpdir(), 'headrace-redis-'));
    const [port] = await choosePorts(1, []);
    const args = [
      '--bind',
      '127.0.0.1',
      '--port',
      String(port),
      '--dir',
      dir,
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const server = spawn('redis-server', args, { stdio: 'ignore' });
    const ended = once(server, 'exit');
    const kill = (): void => {
      server.kill('SIGKILL');
    };
    process.once('exit', kill);
    const redis = createRedis({ url: `redis://127.0.0.1:${String(port)}`, log: silentLog });
    stop = async () => {
      redis.disconnect();
      server.kill('SIGTERM');
      await ended;
      process.off('exit', kill);
      rmSync(dir, { recursive: true, force: true });
    };
    redis.connect().catch(() => undefined); // it tries again by itself
    await waitUntil(() => redis.ping(), { what: 'redis-server to answer', limitMs: 20_000 });
    connected = redis;
  });
  after(() => stop());
  return {
    redis() {
      if (connected === undefined) throw new TypeError('Redis is not started: use it inside a test');
      return connected;
    },
  };
}
