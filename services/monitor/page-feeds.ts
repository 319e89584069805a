import type { ModelState } from '../../shared/domain/model-directory.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { rolloutPolicyOf } from '../../shared/domain/model-spec.ts';
import type { Verdict } from '../../shared/domain/events.ts';
import type { VerdictEvidence } from '../../shared/domain/rollout.ts';
import type {
  ModelMessage,
  ModelView,
  OverviewMessage,
  OverviewRow,
  PageStatus,
  RegistryWord,
  StreamMessage,
  StreamView,
} from './domain/page/messages.ts';
import { ModelTrack } from './domain/page/model-track.ts';
import { reportOf } from './domain/report.ts';
import type { Measured } from './service.ts';

/** What the feeds are made of. */
export interface FeedSources {
  readonly nowMs: () => number;
  readonly directory: () => ModelDirectory;
  readonly measured: () => ReadonlyMap<string, Measured>;
  readonly stopped: (model: string) => string | undefined;
  readonly verdict: (model: string) => Verdict | undefined;
  readonly status: () => PageStatus;
}

/** One thing that a page follows: says what is new after a tick, or everything. */
export interface Feed {
  /** Returns what changed after a tick, everything for 0; undefined when nothing did. Throws RangeError when it is gone. */
  since(tick: number): unknown;
}

/** Remembers at which tick each part of something was other than before. */
class Changes {
  readonly #parts = new Map<
    string,
    { readonly json: string; readonly tick: number; readonly value: unknown }
  >();

  put(name: string, value: unknown, tick: number): void {
    const json = JSON.stringify(value);
    // Tick 0 is "has seen nothing": what is put before the first tick is of the first.
    if (this.#parts.get(name)?.json !== json) this.#parts.set(name, { json, tick: Math.max(1, tick), value });
  }

  /** Returns the parts that changed after a tick. */
  since(tick: number): [string, unknown][] {
    return [...this.#parts].filter(([, part]) => part.tick > tick).map(([name, { value }]) => [name, value]);
  }
}

/** What the page is told of, kept up to date once a tick. */
export interface Feeds {
  /** Takes a look at everything. Ticks rise by one. */
  tick(tick: number): void;
  readonly overview: Feed;
  /** Returns the feed of a model; undefined when there is no such model. Keeps it fresh from then on until it is let go. */
  model(name: string): Feed | undefined;
  /** Lets the feeds of models go that nobody follows. */
  keepModels(isFollowed: (name: string) => boolean): void;
  /** Models whose feeds are kept. */
  followedModels(): readonly string[];
  /** Takes what the registry says of a rollout, or why it does not. */
  takeRegistryWord(model: string, word: RegistryWord | null, fault: string | null): void;
  readonly stream: Feed;
  takeStream(view: StreamView): void;
}

/** Returns the feeds of all pages. */
export function createFeeds(sources: FeedSources): Feeds {
  const tracks = new Map<string, ModelTrack>();
  const rows = new Changes();
  const status = new Changes();
  const stream = new Changes();
  const followed = new Map<string, Changes>();
  const words = new Map<string, ModelView['registry']>();
  let now = 0;

  function lookAtModel(name: string, model: ModelState): OverviewRow {
    const found = sources.measured().get(name);
    let track = tracks.get(name);
    if (track === undefined) tracks.set(name, (track = new ModelTrack()));
    return track.take({
      nowMs: sources.nowMs(),
      tick: Math.max(1, now),
      model,
      monitor: found?.monitor,
      lag: found?.lag,
      stopped: sources.stopped(name),
      evidence: () => {
        const verdict = sources.verdict(name);
        return verdict && (JSON.parse(verdict.evidence) as VerdictEvidence);
      },
    });
  }

  function putModel(name: string, changes: Changes): void {
    const model = sources.directory().get(name);
    const track = tracks.get(name);
    if (model === undefined || track === undefined) return;
    const found = sources.measured().get(name);
    const verdict = sources.verdict(name);
    const { spec, createdAtMs, versions, plan: traffic, rollout, queued } = model;
    const view: ModelView = {
      model: { spec, createdAtMs },
      versions,
      traffic,
      rollout,
      queued,
      policy: rolloutPolicyOf(spec),
      verdict:
        verdict === undefined
          ? null
          : { value: verdict.value, evidence: JSON.parse(verdict.evidence) as VerdictEvidence },
      report: found === undefined ? null : reportOf(name, found.monitor, found.lag),
      alarms: track.alarms,
      rates: { predictionsPerSecond: track.predictionsPerSecond, eventsPerSecond: track.eventsPerSecond },
      registry: words.get(name) ?? { word: null, fault: null },
    };
    for (const [part, value] of Object.entries(view)) changes.put(part, value, now);
  }

  const statusSince = (tick: number): { status?: PageStatus } => Object.fromEntries(status.since(tick));

  return {
    tick(tick) {
      now = tick;
      status.put('status', sources.status(), now);
      for (const [name, model] of sources.directory()) rows.put(name, lookAtModel(name, model), now);
      for (const [name, changes] of followed) putModel(name, changes);
    },
    overview: {
      since(tick): OverviewMessage | undefined {
        const changed = rows.since(tick).map(([, row]) => row as OverviewRow);
        const more = statusSince(tick);
        return changed.length === 0 && more.status === undefined && tick > 0
          ? undefined
          : { ...more, rows: changed };
      },
    },
    model(name) {
      const model = sources.directory().get(name);
      if (model === undefined) return undefined;
      if (!tracks.has(name)) lookAtModel(name, model);
      let changes = followed.get(name);
      if (changes === undefined) {
        followed.set(name, (changes = new Changes()));
        putModel(name, changes);
      }
      const kept = changes;
      return {
        since(tick): ModelMessage | undefined {
          const track = tracks.get(name);
          if (track === undefined) return undefined;
          const view = Object.fromEntries(kept.since(tick)) as Partial<ModelView>;
          const series = track.series.since(tick);
          const streams = track.streams.since(tick);
          const more = statusSince(tick);
          const isSame =
            Object.keys(view).length === 0 && series.timesMs.length === 0 && more.status === undefined;
          return isSame && tick > 0 ? undefined : { view, series, streams, ...more };
        },
      };
    },
    keepModels(isFollowed) {
      for (const name of followed.keys())
        if (!isFollowed(name)) {
          followed.delete(name);
          words.delete(name);
        }
    },
    followedModels: () => [...followed.keys()],
    takeRegistryWord(model, word, fault) {
      const known = words.get(model);
      if (followed.has(model)) words.set(model, { word: word ?? known?.word ?? null, fault });
    },
    stream: {
      since(tick): StreamMessage | undefined {
        const message = { ...Object.fromEntries(stream.since(tick)), ...statusSince(tick) };
        return Object.keys(message).length === 0 && tick > 0 ? undefined : message;
      },
    },
    takeStream(view) {
      stream.put('view', view, now + 1); // it comes between two ticks: the present one has been told
    },
  };
}
