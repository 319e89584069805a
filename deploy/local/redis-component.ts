import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './component.ts';
import { askRedis } from './redis-probe.ts';

/** Every write is on the disk before it is acknowledged; nothing is ever evicted; nobody outside the machine gets in. */
function redisSettings(dir: string, port: number): string {
  return `bind 127.0.0.1
protected-mode yes
port ${String(port)}
dir "${dir}"
daemonize no
appendonly yes
appendfsync always
maxmemory-policy noeviction
save ""
`;
}

/** Returns the address of a Redis server on a port of 127.0.0.1. */
function redisUrl(port: number): string {
  return `redis://127.0.0.1:${String(port)}`;
}

/** Returns the component that runs the system's `redis-server`. */
export function createRedisComponent(): Component {
  return {
    name: 'redis',
    title: 'redis',
    standardPorts: [6379],
    startLimitMs: 60_000,
    stopLimitMs: 15_000,
    addressOf: redisUrl,
    prepare: ({ dir, port }) => {
      mkdirSync(dir, { recursive: true });
      const settingsFile = join(dir, 'redis.conf');
      writeFileSync(settingsFile, redisSettings(dir, port));
      return Promise.resolve({ command: 'redis-server', args: [settingsFile] });
    },
    ask: async ({ port }, pid) => {
      const { processId } = await askRedis(redisUrl(port));
      if (processId !== pid)
        throw new Error(`process ${String(processId)} answers on port ${String(port)}, not ${String(pid)}`);
    },
  };
}
