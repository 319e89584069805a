import { setTimeout as delay } from 'node:timers/promises';
import { isRetriable, messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';

/** How `retryWhileRetriable` waits and when it gives up. */
export interface RetryOptions {
  /** What is being done, for the log: 'produce scores'. */
  readonly what: string;
  readonly log: Log;
  /** First pause, ms; doubles up to `maxPauseMs`. */
  readonly firstPauseMs?: number;
  readonly maxPauseMs?: number;
  /** Ends the waiting: the last error is thrown. */
  readonly signal?: AbortSignal;
  /** Called before every further try: heartbeats, a readiness note. Its own failure is ignored. */
  readonly onRetry?: (error: unknown) => unknown;
}

/** Returns what `attempt` returns, trying again for as long as its failure is marked retriable; others are thrown. */
export async function retryWhileRetriable<T>(attempt: () => Promise<T>, options: RetryOptions): Promise<T> {
  let pauseMs = options.firstPauseMs ?? 50;
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isRetriable(error) || options.signal?.aborted === true) throw error;
      if (tries === 1 || tries % 10 === 0) {
        options.log.warn({ tries, reason: messageOf(error) }, `${options.what}: trying again`);
      }
      await delay(pauseMs, undefined, options.signal ? { signal: options.signal } : {}).catch(
        () => undefined,
      );
      pauseMs = Math.min(pauseMs * 2, options.maxPauseMs ?? 1000);
      try {
        await options.onRetry?.(error);
      } catch {
        continue; // the hook is a courtesy; the attempt itself decides
      }
    }
  }
}
