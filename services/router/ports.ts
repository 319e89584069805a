import type { SnapshotKind } from '../../shared/domain/snapshot-kind.ts';
import type { FeatureValue, ModelSpec } from '../../shared/domain/model-spec.ts';
import type { PublishedModel } from '../../shared/domain/published-model.ts';
import type { OutRecord } from '../../shared/kafka/producer.ts';
import type { Log } from '../../shared/observability/log.ts';
import type { BeforeRun } from './domain/injected-failures.ts';
import type { MemoryCount } from './domain/run-memory.ts';
import type { SnapshotRefusal } from './domain/take-snapshot.ts';

export type { OutRecord } from '../../shared/kafka/producer.ts';
export type { Log } from '../../shared/observability/log.ts';
export type { Tracing } from '../../shared/observability/tracing.ts';

/** Encoded rows, one after the other: `rows` times `width` pairs. */
export interface RowBatch {
  readonly indices: Int32Array;
  readonly values: Float32Array;
  readonly rows: number;
}

/** What a run gave. */
export interface ScoredRows {
  /** One a row. */
  readonly scores: ArrayLike<number>;
  /** How long the run itself took, ms: without the time that it waited for its turn. */
  readonly durationMs: number;
}

/** One version's graph, ready to score. */
export interface Scorer {
  /**
   * Returns one score a row, at once where the scorer can. Everything given must stay as it is until a promise settles: the
   * run may read it at any time before. Throws or rejects when the graph cannot score.
   */
  score(batch: RowBatch, weights: Float32Array): ScoredRows | Promise<ScoredRows>;
  /** Frees the graph; called once, when no run is under way. */
  close(): Promise<void>;
}

/** Loads a graph (the bytes of a snapshot's `graph`) for rows of `width` pairs; rejects when it is not one. */
export type OpenScorer = (graph: Uint8Array, width: number) => Promise<Scorer>;

/** A published file, loaded apart from this process. */
export interface PublishedScorer {
  /**
   * Returns one score a row, NaN where it is no probability. Rejects when the file cannot score the rows or its process ends.
   *
   * @param rows values in the order of the spec
   */
  score(rows: readonly (readonly (FeatureValue | undefined)[])[]): Promise<ScoredRows>;
  /** Resolves when nothing can be scored any more, with why, in words. */
  readonly ended: Promise<string>;
  close(): void;
}

/** Loads a published file; rejects, in words, when it cannot be. */
export type OpenPublished = (
  file: Uint8Array,
  published: PublishedModel,
  spec: ModelSpec,
) => Promise<PublishedScorer>;

/** Returns a published file by its SHA-256, which is not checked; undefined when it is not there. */
export type ReadArtefact = (digest: string) => Promise<Uint8Array | undefined>;

/** What scoring versions needs of the world. */
export interface VersionPorts {
  readonly log: Log;
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Runs the work after everything of this turn of the event loop has been read. */
  readonly defer: (work: () => void) => void;
  /** Calls back after a time, ms, unless what it returns is called before. */
  readonly after: (ms: number, work: () => void) => () => void;
  readonly countMemory: () => MemoryCount;
  readonly sha256: (pieces: readonly Uint8Array[]) => string;
  readonly openScorer: OpenScorer;
  readonly openPublished: OpenPublished;
  readonly readArtefact: ReadArtefact;
  /** In proofs alone. Golden rows are scored without it: a version that failed on them would never be asked. */
  readonly beforeRun: BeforeRun | undefined;
  /** Returns the spec of a model; undefined while it is not known. */
  readonly specOf: (model: string) => ModelSpec | undefined;
  readonly observe: RouterObserver;
}

/** What the prediction log needs of the world. */
export interface PredictionLogPorts {
  readonly log: Log;
  readonly defer: (work: () => void) => void;
  /** Runs the work after as long as predictions are gathered for one record. */
  readonly gather: (work: () => void) => void;
  /** Resolves after a pause. */
  readonly pause: (ms: number) => Promise<unknown>;
  /** Writes records; resolves when they are acknowledged. */
  readonly send: (records: readonly OutRecord[]) => Promise<unknown>;
  readonly observe: RouterObserver;
}

/** What became of a complete snapshot. */
export type SnapshotResult = SnapshotRefusal | 'applied' | 'superseded' | 'unloadable' | 'parity-mismatch';

/** How a request ended. */
export type RequestOutcome = 'answered' | 'fallback' | 'invalid' | 'not-found' | 'unavailable';

/** Why predictions were not logged: no room, refused by Kafka, or still waiting when the router stopped. */
export type LogDropReason = 'full' | 'refused' | 'stopped';

/** What became of a file of the cache. */
export type CacheFileResult = 'written' | 'failed' | 'restored' | 'refused';

/** A file of the cache as it was read. */
export type CachedBytes =
  | { readonly model: string; readonly bytes: Uint8Array; readonly fault?: undefined }
  | { readonly model: string; readonly bytes?: undefined; readonly fault: string };

/** Where a router keeps what it serves by, across its restarts. */
export interface CacheStore {
  /** Keeps a model's bytes in place of those before; resolves when a crash of the machine would not lose them. */
  write(model: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Returns the bytes of every model, as they were written, or what is wrong with them. */
  readAll(): Promise<readonly CachedBytes[]>;
  /** Removes all others. */
  keepOnly(models: ReadonlySet<string>): Promise<void>;
}

/** What one version is like at the moment. */
export interface VersionFigures {
  readonly model: string;
  readonly version: number;
  readonly isReady: boolean;
  /** Age of the applied snapshot, ms; undefined before any. */
  readonly ageMs: number | undefined;
}

/** What the router tells its metrics. */
export interface RouterObserver {
  /** `model` is empty when the request named none that exists. */
  request(protocol: 'predict' | 'infer', model: string, outcome: RequestOutcome, durationMs: number): void;
  run(model: string, version: number, rows: number, durationMs: number): void;
  failedRun(model: string, version: number): void;
  snapshot(model: string, kind: SnapshotKind, result: SnapshotResult): void;
  /** From the learner's publication to the first score that can use it, ms. */
  freshness(model: string, ms: number): void;
  plan(model: string, planVersion: number): void;
  /** How many plans have a candidate whose lease has lapsed. */
  lapsed(count: number): void;
  versions(figures: readonly VersionFigures[]): void;
  forgotten(model: string, version: number): void;
  logDropped(model: string, reason: LogDropReason, count: number): void;
  logBuffered(bytes: number): void;
  undecodable(topic: string): void;
  cacheFile(result: CacheFileResult): void;
  /** What is asked when metrics are read: requests under way, how many may be, how many were shed so far. */
  admission(
    figures: () => { readonly underWay: number; readonly limit: number; readonly shed: number },
  ): void;
  /** Where models and plans come from. */
  source(source: 'nothing' | 'cache' | 'kafka'): void;
}
