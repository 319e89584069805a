import { setTimeout as delay } from 'node:timers/promises';
import { HeadraceError, messageOf } from '../../shared/errors.ts';

/** What is waited for, and how long. */
export interface WaitOptions {
  /** For the message: 'kafka to answer'. */
  readonly what: string;
  readonly limitMs: number;
  /** Pause between two tries, ms. */
  readonly everyMs?: number;
}

/**
 * Returns what `attempt` returns as soon as it does not throw. Throws `stack-unavailable` with the last failure when the
 * limit has passed; a failure that is a HeadraceError not marked retriable ends the waiting at once and is thrown as it is.
 */
export async function waitUntil<T>(attempt: () => T | Promise<T>, options: WaitOptions): Promise<T> {
  const deadlineMs = performance.now() + options.limitMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof HeadraceError && !error.retriable) throw error;
      if (performance.now() > deadlineMs) {
        throw new HeadraceError(
          `waited ${String(options.limitMs)} ms for ${options.what}: ${messageOf(error)}`,
          {
            code: 'stack-unavailable',
            retriable: true,
            cause: error,
          },
        );
      }
    }
    await delay(options.everyMs ?? 50);
  }
}
