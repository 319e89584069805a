import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { PUBLISHED_POSITION } from '../../shared/domain/published-model.ts';
import { messageOf } from '../../shared/errors.ts';
import { atOnce, cacheBytes, readCacheBytes } from './domain/cache-file.ts';
import { comparePlaces } from './domain/complete-snapshot.ts';
import type { SnapshotPlace } from './domain/complete-snapshot.ts';
import { LAPSED_MS } from './domain/traffic-plans.ts';
import type { HeldPlan, TrafficPlans } from './domain/traffic-plans.ts';
import type { CacheStore, Log, RouterObserver } from './ports.ts';
import type { VersionServers } from './version-servers.ts';

/** What a router would answer by if it began again without Kafka. */
export interface ServingCache {
  /**
   * Keeps the parameters of every stable version that are newer than those kept, one after the other, and removes what no
   * model has any more. Rejects never: a disk that is full or gone is logged once and counted, until a write succeeds.
   */
  save(): Promise<void>;
  /**
   * Gives the servers what is kept, where a file is whole, and returns the models and plans of it. The servers verify it by
   * its golden rows before they score by it; a published file begins with the directory, from the disk, in its sandbox.
   */
  restore(): Promise<{ readonly directory: ModelDirectory; readonly plans: TrafficPlans }>;
}

/** What the cache needs. */
export interface ServingCacheDeps {
  readonly store: CacheStore;
  readonly versions: Pick<VersionServers, 'of' | 'restore'>;
  /** Removes published files that are not among these from the disk. */
  readonly keepArtefacts: (digests: ReadonlySet<string>) => Promise<void>;
  /** What Kafka has said. */
  readonly directory: () => ModelDirectory;
  readonly plans: () => TrafficPlans;
  readonly log: Log;
  readonly observe: RouterObserver;
}

/** What is on disk of a model. */
interface Kept extends SnapshotPlace {
  readonly plan: HeldPlan;
}

/** Returns the cache of a router. */
export function createServingCache(deps: ServingCacheDeps): ServingCache {
  const { store, versions, log, observe } = deps;
  const kept = new Map<string, Kept>();
  let isFailing = false;

  /** Returns the bytes to be kept of a model; undefined when they are kept already or nothing is verified. */
  async function bytesOf(model: string, plan: HeldPlan): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const state = deps.directory().get(model);
    const { stable } = plan;
    const server = stable === null ? undefined : versions.of(model, stable);
    const applied = server?.applied();
    const known = kept.get(model);
    if (state === undefined || stable === null || server === undefined || applied === undefined)
      return undefined;
    const isKept = known?.plan.planVersion === plan.planVersion && comparePlaces(known, applied) === 0;
    if (isKept) return undefined;
    const { leaseEndsMs: _lease, ...routing } = plan;
    if (applied.position === PUBLISHED_POSITION) {
      kept.set(model, { ...applied, plan });
      return atOnce(cacheBytes({ state, plan: routing, version: stable, snapshot: null }));
    }
    return server.capture((snapshot) => {
      kept.set(model, { incarnation: snapshot.incarnation, position: snapshot.position, plan });
      return cacheBytes({ state, plan: routing, version: stable, snapshot });
    });
  }

  function publishedDigests(): ReadonlySet<string> {
    const known = [...deps.directory().values()].flatMap((model) => model.versions);
    return new Set(
      known.flatMap(({ published, life }) =>
        published === undefined || life === 'retired' ? [] : [published.digest],
      ),
    );
  }

  async function saveOne(model: string, plan: HeldPlan): Promise<void> {
    const before = kept.get(model);
    try {
      const bytes = await bytesOf(model, plan);
      if (bytes === undefined) return;
      await store.write(model, bytes);
      observe.cacheFile('written');
      if (isFailing) log.info({ model }, 'the cache is written again');
      isFailing = false;
    } catch (error) {
      if (before === undefined) kept.delete(model);
      else kept.set(model, before);
      observe.cacheFile('failed');
      if (!isFailing)
        log.error(
          { model, reason: messageOf(error) },
          'the cache cannot be written; what it has is kept, and it is tried again',
        );
      isFailing = true;
    }
  }

  return {
    async save() {
      const plans = deps.plans();
      for (const [model, plan] of plans) await saveOne(model, plan);
      for (const model of kept.keys()) if (!plans.has(model)) kept.delete(model);
      const cleaning = [store.keepOnly(new Set(plans.keys())), deps.keepArtefacts(publishedDigests())];
      await Promise.all(cleaning).catch((error: unknown) => {
        log.debug({ reason: messageOf(error) }, 'old cache files stay');
      });
    },
    async restore() {
      const directory = new Map<
        string,
        ModelDirectory extends ReadonlyMap<string, infer State> ? State : never
      >();
      const plans = new Map<string, HeldPlan>();
      for (const found of await store.readAll()) {
        const { model } = found;
        const cached = found.bytes === undefined ? undefined : readCacheBytes(found.bytes);
        if (cached?.state.spec.name !== model || cached.plan.stable !== cached.version) {
          observe.cacheFile('refused');
          log.error({ model, reason: found.fault ?? 'another build wrote it' }, 'cache file not used');
          continue;
        }
        observe.cacheFile('restored');
        directory.set(model, cached.state);
        plans.set(model, { ...cached.plan, leaseEndsMs: LAPSED_MS });
        if (cached.snapshot !== null) versions.restore(model, cached.version, cached.snapshot);
      }
      return { directory, plans };
    },
  };
}
