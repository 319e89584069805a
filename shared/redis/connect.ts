import { Redis } from 'ioredis';
import { HeadraceError, messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';

/** How a process talks to Redis. */
export interface RedisOptions {
  readonly url: string;
  readonly log: Log;
  /** A command without an answer for this long fails, ms. */
  readonly commandTimeoutMs?: number;
}

/**
 * Returns a Redis connection that fails at once while Redis is away (no offline queue) and reconnects by itself.
 * It connects on the first call of `connect`, or by itself after a failed one.
 */
export function createRedis({ url, log, commandTimeoutMs = 5000 }: RedisOptions): Redis {
  const redis = new Redis(url, {
    lazyConnect: true,
    enableOfflineQueue: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 3000,
    maxRetriesPerRequest: 0,
    retryStrategy: (tries) => Math.min(50 * tries, 1000),
  });
  redis.on('error', (error: Error) => {
    log.debug({ reason: error.message }, 'redis connection');
  });
  return redis;
}

/** Returns what `work` returns; a failure becomes a retriable HeadraceError, because Redis may come back. */
export async function onRedis<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HeadraceError) throw error;
    const message = messageOf(error);
    const isScriptFault = /ERR Error (compiling|running) script|WRONGTYPE|user_script/.test(message);
    throw new HeadraceError(`${doing}: ${message}`, {
      code: 'redis-unavailable',
      retriable: !isScriptFault,
      cause: error,
    });
  }
}
