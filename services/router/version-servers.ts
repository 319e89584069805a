import type { RouterStatus } from '../../shared/domain/events.ts';
import type { ModelDirectory, VersionState } from '../../shared/domain/model-directory.ts';
import { PUBLISHED_POSITION } from '../../shared/domain/published-model.ts';
import { plannedVersions } from './domain/assign-subject.ts';
import type { CompleteSnapshot } from './domain/complete-snapshot.ts';
import type { SnapshotNews, SnapshotReply } from './domain/snapshot-news.ts';
import type { TrafficPlans } from './domain/traffic-plans.ts';
import type { VersionFigures, VersionPorts } from './ports.ts';
import { createPublishedServer } from './published-server.ts';
import { createVersionServer } from './version-server.ts';
import type { VersionServer, VersionServerDeps } from './version-server.ts';

/** Every version on this router. */
export interface VersionServers {
  /** Takes what is new on snapshots.v1; a tombstone forgets its version. */
  take(news: SnapshotNews): void;
  /** Gives a version what was kept of it on disk. */
  restore(model: string, version: number, snapshot: CompleteSnapshot): void;
  /**
   * Forgets retired versions, lets those begin whose model is known now, and begins published ones. A version that our plan still
   * names is kept: the plan that takes its traffic away comes on another topic, and may come later.
   */
  directoryChanged(directory: ModelDirectory): void;
  of(model: string, version: number): VersionServer | undefined;
  /** Returns why a version cannot be served; undefined when it can. */
  notReady(model: string, version: number): string | undefined;
  figures(): readonly VersionFigures[];
  /** Returns the planned versions of every model, as router-status.v1 tells them. */
  status(): RouterStatus['models'];
  close(): void;
}

/** What the servers share. */
export interface VersionServersDeps {
  readonly ports: VersionPorts;
  readonly directory: () => ModelDirectory;
  readonly batchMax: number;
  readonly parityEvery: number;
  /** The most that a run of a version other than stable may take, ms. */
  readonly budgetMs: number;
  /** The most memory that a run of a version other than stable may take, bytes. */
  readonly memoryBytes: number;
  readonly plans: () => TrafficPlans;
  readonly onReadiness: () => void;
  /** Tells whoever reads snapshots.v1. */
  readonly reply: (reply: SnapshotReply) => void;
}

/** Returns the servers of all versions, made as their snapshots come: also of those that have no traffic yet. */
export function createVersionServers(deps: VersionServersDeps): VersionServers {
  const { ports } = deps;
  const models = new Map<string, Map<number, VersionServer>>();
  let unwanted = '';

  function forget(model: string, version: number): void {
    const server = models.get(model)?.get(version);
    if (server === undefined) return;
    models.get(model)?.delete(version);
    server.close();
    deps.reply({ kind: 'forgotten', model, version });
    ports.observe.forgotten(model, version);
    ports.log.info({ model, version }, 'version forgotten');
    deps.onReadiness();
  }

  function serverOf(model: string, version: number): VersionServer {
    const versions = models.get(model) ?? new Map<number, VersionServer>();
    models.set(model, versions);
    const known = versions.get(version);
    if (known !== undefined) return known;
    const isStable = (): boolean => deps.plans().get(model)?.stable === version;
    const onSettled: VersionServerDeps['onSettled'] = (id, isGood, spare) => {
      deps.reply({ kind: 'settled', model, version, id, isGood, spare });
    };
    const made = createVersionServer({ model, version, ...deps, isStable, onSettled });
    versions.set(version, made);
    return made;
  }

  /** Begins the versions of a model that are published files and not known yet. */
  function beginPublished(model: string, known: readonly VersionState[]): void {
    for (const { version, life, published, registeredAtMs } of known) {
      const versions = models.get(model) ?? new Map<number, VersionServer>();
      if (published === undefined || life === 'retired' || versions.has(version)) continue;
      models.set(model, versions);
      const isStable = (): boolean => deps.plans().get(model)?.stable === version;
      const publishedAtMs = registeredAtMs;
      versions.set(
        version,
        createPublishedServer({ model, version, published, publishedAtMs, ...deps, isStable }),
      );
    }
  }

  /** Retired versions' snapshots need not be decoded. */
  function tellUnwanted(directory: ModelDirectory): void {
    const retired = [...directory.values()].flatMap(({ spec, versions }) =>
      versions
        .filter(({ life }) => life === 'retired')
        .map(({ version }) => `${spec.name}/${String(version)}`),
    );
    const names = retired.join();
    if (names === unwanted) return;
    unwanted = names;
    deps.reply({ kind: 'unwanted', versions: retired });
  }

  function isRetired(directory: ModelDirectory, model: string, version: number): boolean {
    return directory.get(model)?.versions.find((one) => one.version === version)?.life === 'retired';
  }

  /** Whether the plan that we go by may still ask a version first. */
  function isPlanned(model: string, version: number): boolean {
    const plan = deps.plans().get(model);
    return plan?.stable === version || plan?.candidate === version;
  }

  function notReady(model: string, version: number): string | undefined {
    const server = models.get(model)?.get(version);
    return server === undefined ? 'no snapshot yet' : server.notReady();
  }

  return {
    take(news) {
      const { model, version } = news;
      if (news.kind === 'update') {
        if (isRetired(deps.directory(), model, version) && !isPlanned(model, version))
          deps.reply({ kind: 'forgotten', model, version });
        else serverOf(model, version).offer(news.update);
      } else if (news.kind === 'passed') {
        const { record, result, position } = news;
        ports.observe.snapshot(model, record, result);
        ports.log.debug({ model, version, reason: result, position }, 'snapshot passed over');
      } else if (!isPlanned(model, version)) forget(model, version);
    },
    restore(model, version, snapshot) {
      serverOf(model, version).restore(snapshot);
    },
    directoryChanged(directory) {
      for (const { spec, versions } of directory.values()) beginPublished(spec.name, versions);
      for (const [model, versions] of models) {
        for (const [version, server] of versions) {
          if (isRetired(directory, model, version) && !isPlanned(model, version)) forget(model, version);
          else server.wake();
        }
      }
      tellUnwanted(directory);
    },
    of: (model, version) => models.get(model)?.get(version),
    notReady,
    figures: () =>
      [...models].flatMap(([model, versions]) =>
        [...versions].map(([version, server]) => {
          const { position, publishedAtMs } = server.applied() ?? {};
          const isAgeless = publishedAtMs === undefined || position === PUBLISHED_POSITION;
          const ageMs = isAgeless ? undefined : Math.max(0, ports.nowMs() - publishedAtMs);
          return { model, version, isReady: server.notReady() === undefined, ageMs };
        }),
      ),
    status: () =>
      [...deps.directory().keys()].map((model) => {
        const plan = deps.plans().get(model);
        const versions = plan === undefined ? [] : plannedVersions(plan);
        return {
          model,
          planVersion: plan?.planVersion ?? -1,
          versions: versions.map((version) => {
            const server = models.get(model)?.get(version);
            const applied = server?.applied();
            const reason = notReady(model, version) ?? server?.leftAlone() ?? '';
            const { position = -1, incarnation = -1 } = applied ?? {};
            return { version, ready: reason === '', position, incarnation, reason };
          }),
        };
      }),
    close() {
      for (const versions of models.values()) for (const server of versions.values()) server.close();
      models.clear();
    },
  };
}
