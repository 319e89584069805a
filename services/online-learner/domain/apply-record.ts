import type { TrainingEvents } from '../../../shared/domain/events.ts';
import { arrangeRow, rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import type { RowOrder } from '../../../shared/domain/feature-row-order.ts';
import { checkRow } from '../../../shared/domain/feature-row.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { Refusal } from '../../../shared/domain/outcome.ts';
import type { ApplyOutcome, VersionReason } from './apply-outcome.ts';
import type {
  AppliedRecords,
  ApplyObserver,
  PlacedRecord,
  RefusedEvent,
  ScoredExample,
} from './applied-records.ts';
import { checkEvent } from './check-event.ts';
import { EventReader } from './event-reader.ts';
import type { Fence } from './screening.ts';
import { LIVE_VERSIONS_MAX } from './shard-learner.ts';
import type { RowPlaces, ShardLearner } from './shard-learner.ts';
import type { StepTimer } from './time-budget.ts';

interface Counts {
  scored: number;
  learned: number;
  duplicates: number;
  screened: number;
  learnedToMs: number | null;
  refused: RefusedEvent[];
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
 * Applies records to one shard: every event in order, synchronously. Events that lie packed in the records' bytes are read there,
 * those of many small records together; only those with something wrong are decoded, to say what.
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
  #records: readonly PlacedRecord[] = [];
  /** The record that is applied, the first of those that the reader has, and the first of all. */
  #current = 0;
  #firstRead = 0;
  #first = 0;
  #order: RowOrder;
  #orderNames: readonly string[] = [];
  /** The event that is told of, by its place in the reader. */
  #place = 0;
  readonly #valuesRead = (): readonly FeatureValue[] => this.#reader.values(this.#place);
  readonly #valuesDecoded = (): readonly FeatureValue[] => this.#row;
  readonly #places: RowPlaces = {
    recordTimeMs: (place) => this.#recordOf(place)?.source.timestampMs ?? 0,
    position: (place) => this.#positionBefore(this.#firstRead + this.#reader.recordOf(place)),
  };

  /** @param timer measures the steps of some events; changes nothing */
  constructor(learner: ShardLearner, spec: ModelSpec, observer?: ApplyObserver, timer?: StepTimer) {
    this.#learner = learner;
    this.#spec = spec;
    this.#observer = observer;
    this.#timer = timer;
    this.#reader = new EventReader(spec.features, learner.hasher);
    this.#row = spec.features.map((): FeatureValue => null);
    this.#order = rowOrderOf(this.#orderNames, spec.features);
  }

  /** Applies every event of a record and moves the learner's position past it. */
  apply(value: TrainingEvents, source: PlacedRecord['source']): AppliedRecords {
    return this.applyAll([{ value, source }], 0, 1);
  }

  /**
   * Applies every event of the records `from … to - 1` in order and moves the learner's position past each, as one call for each
   * would; only a version that throws gives no score for up to 256 events.
   */
  applyAll(records: readonly PlacedRecord[], from: number, to: number): AppliedRecords {
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
    this.#records = records;
    this.#current = this.#first = from;
    this.#observer?.begun();
    for (let at = from; at < to;) {
      this.#advanceTo(at);
      const isPacked = records[at]?.value.packed !== undefined;
      at = isPacked ? this.#applyPacked(counts, at, to) : this.#applyPlain(counts, at);
    }
    this.#advanceTo(to - 1);
    this.#endCurrent();
    this.#records = NONE;
    return counts;
  }

  /** Ends the records before this one. */
  #advanceTo(record: number): void {
    while (this.#current < record) {
      this.#endCurrent();
      this.#current += 1;
      this.#observer?.begun();
    }
  }

  #endCurrent(): void {
    const record = this.#records[this.#current];
    if (record === undefined) return;
    this.#learner.position = record.source.offset + 1;
    this.#observer?.ended(record);
  }

  #recordOf(place: number): PlacedRecord | undefined {
    return this.#records[this.#firstRead + this.#reader.recordOf(place)];
  }

  /** Returns the learner's position when a record, the present or a later one, is applied. */
  #positionBefore(record: number): number {
    const before = record > this.#current ? this.#records[record - 1] : undefined;
    return before === undefined ? this.#learner.position : before.source.offset + 1;
  }

  /** Applies packed records, as many as can be read together, and returns the first that was not. */
  #applyPacked(counts: Counts, from: number, to: number): number {
    const reader = this.#reader;
    const next = reader.open(this.#records, from, to);
    this.#firstRead = from;
    for (let count = reader.read(); count > 0; count = reader.read()) {
      const isLastRegular = reader.isRegular(count - 1);
      const regular = isLastRegular ? count : count - 1;
      if (regular > 0) this.#applyRows(counts, regular);
      if (!isLastRegular) this.#applyIrregular(counts, count - 1);
    }
    return next;
  }

  #applyPlain(counts: Counts, at: number): number {
    const record = this.#records[at];
    const items = record?.value.events.length ?? 0;
    for (let item = 0; item < items; item++) this.#applyDecoded(counts, record, item);
    return at + 1;
  }

  /** Applies the first events that the reader holds. */
  #applyRows(counts: Counts, count: number): void {
    const reader = this.#reader;
    const example = this.#example;
    const kept = this.#learner.applyRows(reader, count, this.#places, this.#timer);
    example.idBytes = reader.bytes;
    counts.duplicates += count - kept;
    for (let place = 0; place < kept; place++) {
      this.#advanceTo(this.#firstRead + reader.recordOf(place));
      this.#place = place;
      example.idFrom = reader.idFrom(place);
      example.idTo = reader.idTo(place);
      example.isServed = reader.isServed(place);
      example.eventTimeMs = reader.eventTimeMs(place);
      example.label = reader.label(place);
      example.weight = reader.weight(place);
      this.#take(counts, reader.itemOf(place), this.#learner.outcomeOf(place), this.#valuesRead);
    }
  }

  /** Applies an event that the reader holds and could not take as it is. */
  #applyIrregular(counts: Counts, place: number): void {
    const record = this.#recordOf(place);
    const item = this.#reader.itemOf(place);
    this.#advanceTo(this.#firstRead + this.#reader.recordOf(place));
    this.#applyDecoded(counts, record, item);
  }

  #applyDecoded(counts: Counts, record: PlacedRecord | undefined, item: number): void {
    const event = record?.value.events[item];
    if (record === undefined || event === undefined) return;
    const row = this.#row;
    const { features } = this.#spec;
    const order = this.#orderOf(record.value.featureNames);
    arrangeRow(order, event.features, row);
    const fault = checkEvent(event, order.nameCount) ?? checkRow(row, features);
    if (fault !== undefined) {
      this.#refuse(counts, { itemIndex: item, reason: 'invalid', detail: fault });
      return;
    }
    const { id, label, weight, served, eventTimeMs } = event;
    const { timestampMs } = record.source;
    const outcome = this.#learner.apply({ id, row, label, weight }, timestampMs, this.#timer);
    const example = this.#example;
    example.idBytes = encoder.encode(id);
    example.idFrom = 0;
    example.idTo = example.idBytes.length;
    example.isServed = served !== null;
    example.eventTimeMs = eventTimeMs;
    example.label = label;
    example.weight = weight;
    this.#take(counts, item, outcome, this.#valuesDecoded);
  }

  /** Returns how the record's columns become a row; it is asked for every event. */
  #orderOf(names: readonly string[]): RowOrder {
    if (names === this.#orderNames) return this.#order;
    this.#orderNames = names;
    return (this.#order = rowOrderOf(names, this.#spec.features));
  }

  #refuse(counts: Counts, refusal: Refusal): void {
    counts.refused = withItem(counts.refused, { record: this.#current - this.#first, refusal });
  }

  /** Counts what became of the event that the example tells of, and tells the observer. */
  #take(
    counts: Counts,
    itemIndex: number,
    outcome: ApplyOutcome,
    values: () => readonly FeatureValue[],
  ): void {
    if (outcome.isDuplicate) {
      counts.duplicates += 1;
      return;
    }
    const example = this.#example;
    for (const one of outcome.halted) counts.halted = withItem(counts.halted, one);
    const first = outcome.screened[0];
    if (first === undefined) {
      counts.learned += 1;
      counts.learnedToMs = Math.max(counts.learnedToMs ?? 0, example.eventTimeMs);
      this.#observer?.learned(values);
    } else {
      this.#refuse(counts, {
        itemIndex,
        reason: 'screened',
        detail: `version ${String(first.version)}: ${first.reason}`,
      });
      counts.screened += 1;
      for (const { version, fence } of outcome.screened)
        counts.screenedBy = withItem(counts.screenedBy, { version, fence });
    }
    counts.scored += 1;
    if (this.#observer === undefined) return;
    example.versions = this.#learner.writeScores(outcome, example.scores);
    this.#observer.scored(example);
  }
}
