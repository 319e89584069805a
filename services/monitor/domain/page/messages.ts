import type { ModelState, VersionState } from '../../../../shared/domain/model-directory.ts';
import type { PartitionLag, RolloutEventView } from '../../../../shared/domain/operator-views.ts';
import type { RolloutPolicy } from '../../../../shared/domain/rollout-policy.ts';
import type {
  RolloutPhase,
  RolloutState,
  VerdictEvidence,
  VerdictValue,
} from '../../../../shared/domain/rollout.ts';
import type { TrafficPlan } from '../../../../shared/domain/events.ts';
import type { Report } from '../report.ts';
import type { SeriesPart } from './series.ts';

/** Something that somebody should look at. */
export interface Alarm {
  readonly tone: 'bad' | 'warn';
  readonly text: string;
}

/** What the monitor says of itself and of the log. */
export interface PageStatus {
  /** What this monitor waits for, or which shards are stopped; empty when it is well. */
  readonly waitsFor: readonly string[];
  /** When this monitor began to measure for the page, ms since the Unix epoch. */
  readonly startedAtMs: number;
  readonly chain: ChainStatus;
  /** Whether commands and history can be asked for: a registry is configured. */
  readonly hasRegistry: boolean;
}

/** How far the version log's chain of hashes has been followed. */
export interface ChainStatus {
  readonly events: number;
  readonly hash: string;
  /** The first broken link; null when every link held. */
  readonly fault: string | null;
}

/** A model in the overview, as short as it can be said: a thousand of them are one message. */
export type OverviewRow = readonly [
  name: string,
  stable: number | null,
  candidate: number | null,
  /** Share of the subjects that the candidate has, basis points. */
  candidateWeightBp: number,
  phase: RolloutPhase | null,
  isPaused: 0 | 1,
  /** Versions that live. */
  versions: number,
  /** Predictions answered, in all and per second lately. */
  predictions: number,
  predictionsPerSecond: number,
  /** Events learned per second lately. */
  eventsPerSecond: number,
  /** From an event on Kafka to the first answer that has learned it, 99th percentile of the recent ones, ms. */
  freshnessP99Ms: number | null,
  /** Records not measured yet. */
  lag: number | null,
  /** Recent log-loss of the stable version and of always answering the base rate, nats. */
  lossNats: number | null,
  baseLossNats: number | null,
  alarms: readonly Alarm[],
];

/** A message of `GET /v1/live/overview`. A delta has the rows that changed, and the status when that did. */
export interface OverviewMessage {
  readonly status?: PageStatus;
  readonly rows: readonly OverviewRow[];
}

/** What the registry alone says of a rollout. */
export interface RegistryWord {
  readonly waitsFor: readonly string[];
  readonly routers: readonly unknown[];
  readonly last: RolloutEventView | null;
}

/** Everything that is known of a model but its history; a delta has what changed. */
export interface ModelView {
  readonly model: Pick<ModelState, 'spec' | 'createdAtMs'>;
  readonly versions: readonly VersionState[];
  readonly traffic: TrafficPlan;
  readonly rollout: RolloutState | null;
  readonly queued: readonly number[];
  readonly policy: RolloutPolicy;
  readonly verdict: { readonly value: VerdictValue; readonly evidence: VerdictEvidence } | null;
  readonly report: Report | null;
  readonly alarms: readonly Alarm[];
  readonly rates: { readonly predictionsPerSecond: number; readonly eventsPerSecond: number };
  /** Null while there is none; `fault` says why. */
  readonly registry: { readonly word: RegistryWord | null; readonly fault: string | null };
}

/** A message of `GET /v1/live/models/{model}`. */
export interface ModelMessage {
  readonly view: Partial<ModelView>;
  readonly series: SeriesPart;
  readonly streams: SeriesPart;
  readonly status?: PageStatus;
}

/** What is repeated or set aside of a model. */
export interface RepeatedRow {
  readonly model: string;
  readonly predictions: number;
  readonly labelled: number;
  readonly defaulted: number;
  readonly repeated: number;
  readonly watermarkMs: number | null;
}

/** What the stream page shows. */
export interface StreamView {
  readonly lag: readonly PartitionLag[];
  readonly deadLetters: { readonly start: number; readonly end: number } | null;
  /** Models with anything repeated or defaulted first; at most a hundred. */
  readonly models: readonly RepeatedRow[];
  /** Why Kafka could not be asked; null when it could. */
  readonly fault: string | null;
}

/** A message of `GET /v1/live/stream`. */
export interface StreamMessage {
  readonly view?: StreamView;
  readonly status?: PageStatus;
}
