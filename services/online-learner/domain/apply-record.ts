import type { TrainingEvent, TrainingEvents } from '../../../shared/domain/events.ts';
import { arrangeRow, rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import type { RowOrder } from '../../../shared/domain/feature-row-order.ts';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { PackedEvents } from '../../../shared/domain/packed-events.ts';
import type { Refusal } from '../../../shared/domain/outcome.ts';
import type { ApplyOutcome, VersionReason } from './apply-outcome.ts';
import { checkEvent } from './check-event.ts';
import { EventReader } from './event-reader.ts';
import type { Fence } from './screening.ts';
import { LIVE_VERSIONS_MAX } from './shard-learner.ts';
import type { ShardLearner } from './shard-learner.ts';
import type { StepTimer } from './time-budget.ts';

/** What one record did to a shard. */
export interface AppliedRecord {
  /** Events that were scored: neither refused nor repeats. */
  readonly scored: number;
  readonly refused: readonly Refusal[];
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

/** What applying records tells of each event as it goes. */
export interface ApplyObserver {
  /** Takes what every version scored; the example is reused. */
  scored(example: ScoredExample): void;
  /** An event was learned; `values` returns its row in the order of the spec and costs something. */
  learned(values: () => readonly FeatureValue[]): void;
}

/** Which record is applied. */
export interface RecordPlace {
  readonly offset: number;
  /** Timestamp of the record, ms. */
  readonly recordTimeMs: number;
}

interface Counts {
  scored: number;
  learned: number;
  duplicates: number;
  screened: number;
  learnedToMs: number | null;
  refused: Refusal[];
  halted: VersionReason[];
  screenedBy: { version: number; fence: Fence }[];
}

const NONE: never[] = [];

/** Returns a list with one item more; the lists of most records stay empty and are one and the same. */
function withItem<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

const encoder = new TextEncoder();

/**
 * Applies records to one shard: every event in order, synchronously. Events that lie packed in the record's bytes are read there;
 * only those with something wrong are decoded, to say what.
 */
export class RecordApplier {
  readonly #learner: ShardLearner;
  readonly #spec: ModelSpec;
  readonly #observer: ApplyObserver | undefined;
  readonly #timer: StepTimer | undefined;
  readonly #reader: EventReader;
  readonly #row: FeatureValue[];
  readonly #example: ScoredExample = {
    idBytes: new Uint8Array(),
    idFrom: 0,
    idTo: 0,
    eventTimeMs: 0,
    label: 0,
    weight: 0,
    isServed: false,
    scores: new Float64Array(LIVE_VERSIONS_MAX),
    versions: 0,
  };

  /** @param timer measures the steps of some events; changes nothing */
  constructor(learner: ShardLearner, spec: ModelSpec, observer?: ApplyObserver, timer?: StepTimer) {
    this.#learner = learner;
    this.#spec = spec;
    this.#observer = observer;
    this.#timer = timer;
    this.#reader = new EventReader(spec.features, learner.hasher);
    this.#row = spec.features.map((): FeatureValue => null);
  }

  /** Applies every event of a record and moves the learner's position past it. */
  apply(record: TrainingEvents, { offset, recordTimeMs }: RecordPlace): AppliedRecord {
    const counts: Counts = {
      scored: 0,
      learned: 0,
      duplicates: 0,
      screened: 0,
      learnedToMs: null,
      refused: NONE,
      halted: NONE,
      screenedBy: NONE,
    };
    if (record.packed === undefined) {
      const order = rowOrderOf(record.featureNames, this.#spec.features);
      for (const [index, event] of record.events.entries())
        this.#applyDecoded(counts, { event, index, order, recordTimeMs });
    } else this.#applyPacked(record, record.packed, recordTimeMs, counts);
    this.#learner.position = offset + 1;
    return counts;
  }

  #applyPacked(record: TrainingEvents, packed: PackedEvents, recordTimeMs: number, counts: Counts): void {
    const reader = this.#reader;
    reader.open(record, packed);
    this.#example.idBytes = packed.bytes;
    let index = 0;
    for (let count = reader.read(); count > 0; count = reader.read()) {
      const isLastRegular = reader.isRegular(count - 1);
      const regular = isLastRegular ? count : count - 1;
      if (regular > 0) this.#applyRows(counts, regular, index, recordTimeMs);
      index += count;
      if (isLastRegular) continue;
      const event = record.events[index - 1];
      if (event === undefined) continue;
      const order = rowOrderOf(record.featureNames, this.#spec.features);
      this.#applyDecoded(counts, { event, index: index - 1, order, recordTimeMs });
      this.#example.idBytes = packed.bytes;
    }
  }

  /** Applies the first events that the reader holds; `firstIndex` is the first one's place in the record. */
  #applyRows(counts: Counts, count: number, firstIndex: number, recordTimeMs: number): void {
    const reader = this.#reader;
    const example = this.#example;
    const kept = this.#learner.applyRows(reader, count, recordTimeMs, this.#timer);
    counts.duplicates += count - kept;
    for (let place = 0; place < kept; place++) {
      example.idFrom = reader.idFrom(place);
      example.idTo = reader.idTo(place);
      example.isServed = reader.isServed(place);
      const event = {
        eventTimeMs: reader.eventTimeMs(place),
        label: reader.label(place),
        weight: reader.weight(place),
      };
      const itemIndex = firstIndex + reader.indexOf(place);
      this.#take(counts, itemIndex, this.#learner.outcomeOf(place), event, () => reader.values(place));
    }
  }

  #applyDecoded(
    counts: Counts,
    {
      event,
      index,
      order,
      recordTimeMs,
    }: {
      readonly event: TrainingEvent;
      readonly index: number;
      readonly order: RowOrder;
      readonly recordTimeMs: number;
    },
  ): void {
    const row = this.#row;
    const { features } = this.#spec;
    arrangeRow(order, event.features, row);
    const fault = checkEvent(event, order.nameCount) ?? checkRow(row, features);
    if (fault !== undefined) {
      counts.refused = withItem(counts.refused, { itemIndex: index, reason: 'invalid', detail: fault });
      return;
    }
    const { id, label, weight, served } = event;
    const outcome = this.#learner.apply({ id, row, label, weight }, recordTimeMs, this.#timer);
    const example = this.#example;
    example.idBytes = encoder.encode(id);
    example.idFrom = 0;
    example.idTo = example.idBytes.length;
    example.isServed = served !== null;
    this.#take(counts, index, outcome, event, () => row);
  }

  /** Counts what became of an event and tells the observer. */
  #take(
    counts: Counts,
    itemIndex: number,
    outcome: ApplyOutcome,
    event: { readonly eventTimeMs: number; readonly label: number; readonly weight: number },
    values: () => readonly FeatureValue[],
  ): void {
    if (outcome.isDuplicate) {
      counts.duplicates += 1;
      return;
    }
    for (const one of outcome.halted) counts.halted = withItem(counts.halted, one);
    const { eventTimeMs } = event;
    const first = outcome.screened[0];
    if (first === undefined) {
      counts.learned += 1;
      counts.learnedToMs = Math.max(counts.learnedToMs ?? 0, eventTimeMs);
      this.#observer?.learned(values);
    } else {
      const detail = `version ${String(first.version)}: ${first.reason}`;
      counts.refused = withItem(counts.refused, { itemIndex, reason: 'screened', detail });
      counts.screened += 1;
      for (const { version, fence } of outcome.screened)
        counts.screenedBy = withItem(counts.screenedBy, { version, fence });
    }
    counts.scored += 1;
    if (this.#observer === undefined) return;
    const example = this.#example;
    example.eventTimeMs = eventTimeMs;
    example.label = event.label;
    example.weight = event.weight;
    example.versions = this.#learner.writeScores(outcome, example.scores);
    this.#observer.scored(example);
  }
}
