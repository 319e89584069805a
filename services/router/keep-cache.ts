import type { Log } from './ports.ts';
import type { Routing } from './routing.ts';
import type { ServingCache } from './serving-cache.ts';

/** What the cache's life needs. */
export interface KeepCacheDeps {
  readonly cache: ServingCache;
  readonly routing: Routing;
  /** How long Kafka is waited for before the cache is served from, ms. */
  readonly afterMs: number;
  /** Time between two writings, ms. */
  readonly intervalMs: number;
  /** Resolves after a time, ms; rejects when the router stops. */
  readonly pause: (ms: number) => Promise<unknown>;
  /** Called when the router begins to serve from the cache. */
  readonly onUsed: () => void;
  readonly log: Log;
}

/** Serves from the cache if Kafka has not spoken in time, and keeps what Kafka has said, until `pause` rejects. */
export async function keepCache(deps: KeepCacheDeps): Promise<void> {
  const { cache, routing } = deps;

  async function beginFromCache(): Promise<void> {
    await deps.pause(deps.afterMs);
    if (routing.source() !== 'nothing') return;
    if (!routing.useCache(await cache.restore())) return;
    deps.log.warn({ models: routing.plans().size }, 'Kafka has not spoken: serving from the disk cache');
    deps.onUsed();
  }

  async function keepWriting(): Promise<never> {
    for (;;) {
      await deps.pause(deps.intervalMs);
      if (routing.source() === 'kafka') await cache.save();
    }
  }

  await Promise.all([beginFromCache(), keepWriting()]);
}
