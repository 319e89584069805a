import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { Rng } from '../../../shared/domain/rng.ts';

/** A call to Redis that waits for its turn. */
interface WaitingCall {
  readonly owner: string;
  readonly go: () => void;
  readonly done: Promise<void>;
}

/** Lets several owners call Redis one call at a time, in an order of the proof's own. */
export interface Turns {
  /** Returns a connection whose scripts each wait until `run` gives the owner its turn. */
  connectionOf(owner: string): Redis;
  /**
   * Gives turns in a seeded order until `isOver` says that nobody will call any more; `around` is given each call with its
   * owner and makes it.
   */
  run(
    rng: Rng,
    around: (owner: string, call: () => Promise<void>) => Promise<void>,
    isOver: () => boolean,
  ): Promise<void>;
}

/** Returns turns on a connection. Commands other than scripts pass at once: they change nothing. */
export function createTurns(redis: Redis): Turns {
  const waiting: WaitingCall[] = [];

  async function gated(owner: string, run: () => Promise<unknown>): Promise<unknown> {
    const [turn, done] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    waiting.push({
      owner,
      go: () => {
        turn.resolve(undefined);
      },
      done: done.promise,
    });
    await turn.promise;
    try {
      return await run();
    } finally {
      done.resolve(undefined);
    }
  }

  return {
    connectionOf: (owner) =>
      new Proxy(redis, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name);
          if (typeof value !== 'function') return value;
          const bound = value.bind(target) as (...all: unknown[]) => Promise<unknown>;
          return name === 'eval' ? (...args: unknown[]) => gated(owner, () => bound(...args)) : bound;
        },
      }),
    async run(rng, around, isOver) {
      while (!isOver()) {
        await nextTurn(); // owners go on to their next call, or to their end
        if (waiting.length === 0) continue;
        const [call] = waiting.splice(rng.int(waiting.length), 1);
        if (call === undefined) continue;
        await around(call.owner, async () => {
          call.go();
          await call.done;
        });
      }
    },
  };
}
