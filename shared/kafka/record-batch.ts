import { partitionOf } from '../domain/murmur2.ts';
import type { Outcome, Refusal } from '../domain/outcome.ts';
import type { Codec } from '../events/codec.ts';
import type { TopicName, TopicRecords } from '../events/topics.ts';
import { spanOf } from './consumed.ts';
import type { ConsumedRecord, TopicPartition } from './consumed.ts';
import { deadLetter } from './dead-letters.ts';
import type { OutRecord } from './producer.ts';

/** A decoded record of one of the consumer's topics. */
export type TypedRecord = {
  [Topic in TopicName]: {
    readonly topic: Topic;
    readonly value: TopicRecords[Topic];
    readonly source: ConsumedRecord;
  };
}[TopicName];

/** The records of one fetch of one partition, and where they stand in the log. */
export interface RecordBatch extends TopicPartition {
  /** Decoded records in order; what could not be decoded is already on its way to the dead letters. */
  readonly records: readonly TypedRecord[];
  /** Offset after the last one of the batch, markers included: the position once the batch is settled. */
  readonly nextOffset: number;
  /** Offset after the last record of the partition, as the broker said with this fetch. */
  readonly highWatermark: number;
}

/** What decoding a batch needs. */
export interface DecodeDeps {
  readonly service: string;
  readonly codec: Codec;
  /** Partition count of the sharded topics, to hold records to the partition of their key. */
  readonly partitions: number;
  readonly nowMs: () => number;
  readonly onOutcome?: ((topic: TopicName, outcome: Outcome<OutRecord>) => void) | undefined;
}

/** Returns what a record led to with the record's W3C trace context, unless it has one of its own. */
function traced(record: OutRecord, { traceparent }: ConsumedRecord): OutRecord {
  if (traceparent === undefined || record.headers?.['traceparent'] !== undefined) return record;
  return { ...record, headers: { ...record.headers, traceparent } };
}

const NOTHING_REFUSED: readonly Refusal[] = [];

/** Returns every dead letter and emission that outcomes ask for, in order. */
export function recordsOf(
  batch: RecordBatch,
  outcomes: readonly Outcome<OutRecord>[],
  cause: { service: string; atMs: number },
): OutRecord[] {
  const out: OutRecord[] = [];
  outcomes.forEach((outcome, index) => {
    const source = batch.records[index]?.source;
    if (source === undefined || outcome.kind === 'skipped') return;
    if (outcome.kind === 'poison') {
      out.push(
        deadLetter(source, { ...cause, reason: outcome.reason, detail: outcome.detail, itemIndex: -1 }),
      );
      return;
    }
    for (const record of outcome.emit) out.push(traced(record, source));
    for (const refusal of outcome.refused ?? NOTHING_REFUSED)
      out.push(deadLetter(source, { ...cause, ...refusal }));
  });
  return out;
}

/** Returns the typed records of a batch and the dead letters of those that are not what their topic says. */
export function decodeBatch(
  deps: DecodeDeps,
  raw: readonly ConsumedRecord[],
): { typed: TypedRecord[]; poison: OutRecord[] } {
  const typed: TypedRecord[] = [];
  const poison: OutRecord[] = [];
  const refuse = (
    source: ConsumedRecord,
    reason: 'undecodable' | 'wrong-partition',
    detail: string,
  ): void => {
    poison.push(
      deadLetter(source, { service: deps.service, atMs: deps.nowMs(), reason, detail, itemIndex: -1 }),
    );
    deps.onOutcome?.(source.topic, { kind: 'poison', reason, detail });
  };
  // Records of one shard follow each other: its partition is computed once for all of them.
  const last = { model: '', shard: -1, partition: -1 };
  for (const source of raw) {
    const span = spanOf(source);
    if (span === null) {
      refuse(source, 'undecodable', 'the record has no value');
      continue;
    }
    const decoded = deps.codec.decode(source.topic, span.bytes, span.from, span.to);
    if (!decoded.ok) {
      refuse(source, 'undecodable', decoded.reason);
      continue;
    }
    const value = decoded.value;
    if ('shard' in value) {
      if (value.model !== last.model || value.shard !== last.shard) {
        last.model = value.model;
        last.shard = value.shard;
        last.partition = partitionOf(`${value.model}#${String(value.shard)}`, deps.partitions);
      }
      const expected = last.partition;
      if (expected !== source.partition) {
        refuse(
          source,
          'wrong-partition',
          `${value.model}#${String(value.shard)} belongs to partition ${String(expected)}, found in ${String(source.partition)}`,
        );
        continue;
      }
    }
    typed.push({ topic: source.topic, value, source } as TypedRecord);
  }
  return { typed, poison };
}
