import type { Redis } from 'ioredis';
import { createShardCheckpoint } from '../../../shared/checkpoint/checkpoint-store.ts';
import type {
  LoadedCheckpoint,
  SaveInput,
  ShardCheckpoint,
} from '../../../shared/checkpoint/checkpoint-store.ts';
import type { PagedState } from './paged-state.ts';
import type { RedisServer } from './redis-server.ts';

export const headOf = (prefix: string): string => `{${prefix}}:head`;
export const pagesOf = (prefix: string): string => `{${prefix}}:pages`;
export const isFlip = (script: string): boolean => script.includes('previousDigest');
export const isPageWrite = (script: string): boolean => script.includes('for i = 2');

/** Returns what `save` asks for: the picture of a state. */
export function take(position: string, state: PagedState, meta: unknown = {}): () => SaveInput {
  return () => ({ position, meta, sections: state.sections() });
}

/** What tests do with the checkpoints of one Redis. */
export interface Checkpoints {
  freshPrefix(): string;
  /** Returns a checkpoint that was just taken over. */
  owner(prefix: string, redis?: Redis): Promise<ShardCheckpoint>;
  load(prefix: string): Promise<LoadedCheckpoint | undefined>;
  /** Returns everything Redis holds of a checkpoint, the epoch apart. */
  stored(prefix: string): Promise<unknown>;
  /** Returns a connection whose scripts go through `around`. */
  wrapped(around: (script: string, run: () => Promise<unknown>) => Promise<unknown>): Redis;
}

let prefixes = 0;

/** Returns checkpoints of a server. */
export function checkpointsOn(server: RedisServer): Checkpoints {
  return {
    freshPrefix() {
      prefixes += 1;
      return `checkpoint-${String(prefixes)}`;
    },
    async owner(prefix, redis = server.redis()) {
      const checkpoint = createShardCheckpoint(redis, prefix);
      await checkpoint.takeOver();
      return checkpoint;
    },
    load: (prefix) => createShardCheckpoint(server.redis(), prefix).takeOver(),
    async stored(prefix) {
      const { epoch: _epoch, ...head } = await server.redis().hgetall(headOf(prefix));
      const pages = await server.redis().hgetallBuffer(pagesOf(prefix));
      return { head, pages: Object.entries(pages).sort(([a], [b]) => (a < b ? -1 : 1)) };
    },
    wrapped: (around) =>
      new Proxy(server.redis(), {
        get(target, name) {
          if (name === 'eval')
            return (script: string, ...args: unknown[]) =>
              around(script, () => (target.eval as (...all: unknown[]) => Promise<unknown>)(script, ...args));
          const value: unknown = Reflect.get(target, name);
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      }),
  };
}
