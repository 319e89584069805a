import type { TrainingEvent } from '../../shared/domain/events.ts';
import { itemBytes, RECORD_BYTES, splitBySize } from '../../shared/domain/split-by-size.ts';
import type { JoinItem, OutRecord, RecordBatch } from './ports.ts';

const EVENTS_A_RECORD = 1000;

/** Events whose rows stand under the same names. */
export interface NamedEvents {
  readonly names: readonly string[];
  readonly events: TrainingEvent[];
}

/** Where joined events go. */
interface JoinedPlace {
  readonly key: string;
  readonly name: string;
  readonly shard: number;
  readonly partition: number;
  readonly watermarkMs: number;
}

/** Returns what a record of a batch puts into the join, each item with the place it came from; empty for other topics. */
export function joinItems(batch: RecordBatch, index: number, windowMs: number): JoinItem[] {
  const record = batch.records[index];
  if (record?.topic === 'predictions.v1') {
    const { featureNames, predictions } = record.value;
    return predictions.map((prediction, item) => ({
      kind: 'prediction',
      source: `p/${String(batch.partition)}/${String(record.source.offset)}/${String(item)}`,
      of: { prediction, featureNames },
      deadlineMs: prediction.predictedAtMs + windowMs,
    }));
  }
  if (record?.topic !== 'labels.v1') return [];
  return record.value.labels.map((label, item) => ({
    kind: 'label',
    source: `l/${String(batch.partition)}/${String(record.source.offset)}/${String(item)}`,
    label,
    forgetAtMs: label.observedAtMs + windowMs,
  }));
}

/** Returns when a prediction was made or a label observed, ms since the Unix epoch. */
export function eventTimeOf(item: JoinItem): number {
  return item.kind === 'prediction' ? item.of.prediction.predictedAtMs : item.label.observedAtMs;
}

/** Returns the records of events that have the same feature names, none too large for the broker. */
export function joinedRecords(place: JoinedPlace, group: NamedEvents): OutRecord[] {
  const { key, name: model, shard, partition, watermarkMs } = place;
  const limits = { itemsMax: EVENTS_A_RECORD, bytesMax: RECORD_BYTES };
  return splitBySize(group.events, itemBytes, limits).map((events) => ({
    topic: 'training-events.v1',
    key,
    partition,
    value: { model, shard, featureNames: group.names, watermarkMs, events },
  }));
}
