import type { RefusalReason } from '../domain/outcome.ts';
import type { ConsumedRecord } from './consumed.ts';
import type { OutRecord } from './producer.ts';

const DETAIL_CHARACTERS = 2048;

/** Who refused a record, when and why. */
export interface DeadLetterCause {
  readonly service: string;
  readonly atMs: number;
  readonly reason: RefusalReason;
  readonly detail: string;
  /** Place of the refused item in its record; -1 when the whole record is meant. */
  readonly itemIndex: number;
}

/** Returns the dead letter of a record: its bytes as they came, where from, and why. */
export function deadLetter(record: ConsumedRecord, cause: DeadLetterCause): OutRecord {
  const source = `${record.topic}/${String(record.partition)}/${String(record.offset)}`;
  return {
    topic: 'dead-letters.v1',
    key: source,
    partition: 0,
    value: {
      ...cause,
      detail: cause.detail.slice(0, DETAIL_CHARACTERS),
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      key: record.key === null ? null : Buffer.from(record.key),
      value: record.value === null ? null : Buffer.from(record.value),
      recordTimeMs: record.timestampMs,
    },
  };
}
