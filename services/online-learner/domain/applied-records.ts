import type { TrainingEvents } from '../../../shared/domain/events.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import type { Refusal } from '../../../shared/domain/outcome.ts';
import type { VersionReason } from './apply-outcome.ts';
import type { Fence } from './screening.ts';

/** A record in the order of the log. */
export interface PlacedRecord {
  readonly value: TrainingEvents;
  readonly source: { readonly offset: number; readonly timestampMs: number };
}

/** An event that was not taken, and which of the records it was in, 0 …. */
export interface RefusedEvent {
  readonly record: number;
  readonly refusal: Refusal;
}

/** What records did to a shard. */
export interface AppliedRecords {
  /** Events that were scored: neither refused nor repeats. */
  readonly scored: number;
  readonly refused: readonly RefusedEvent[];
  /** Versions that threw. */
  readonly halted: readonly VersionReason[];
  readonly learned: number;
  readonly duplicates: number;
  readonly screened: number;
  /** Versions that did not learn an event, and what it was past. */
  readonly screenedBy: readonly { readonly version: number; readonly fence: Fence }[];
  /** Latest event time among the learned events, ms; null when none was learned. */
  readonly learnedToMs: number | null;
}

/** One scored event; reused for the next one. */
export interface ScoredExample {
  /** Holds the id's UTF-8, from `idFrom` to `idTo - 1`. */
  idBytes: Uint8Array;
  idFrom: number;
  idTo: number;
  eventTimeMs: number;
  label: number;
  weight: number;
  isServed: boolean;
  /** Scores of the live versions, ascending, of which the first `versions` count; NaN where one gave none. */
  readonly scores: Float64Array;
  versions: number;
}

/** What applying records tells as it goes. */
export interface ApplyObserver {
  /** A record begins, and ends: what is told between is of its events. */
  begun(): void;
  ended(record: PlacedRecord): void;
  /** Takes what every version scored; the example is reused. */
  scored(example: ScoredExample): void;
  /** An event was learned; `values` returns its row in the order of the spec and costs something. */
  learned(values: () => readonly FeatureValue[]): void;
}
