import type { Codec } from '../../../shared/events/codec.ts';
import type { readRange } from '../../../shared/kafka/read-range.ts';
import type { PastRecords } from '../ports.ts';

/** Yields a part of training-events.v1 decoded, without what cannot be: it became a dead letter when it was new. */
export async function* decodedPast(
  codec: Codec,
  topic: 'training-events.v1',
  range: ReturnType<typeof readRange>,
): AsyncGenerator<PastRecords> {
  for await (const { records, nextOffset } of range) {
    await codec.learnWriters(records.map(({ value }) => value));
    const decoded = records.flatMap(({ value, offset, timestampMs }) => {
      const found = value === null ? undefined : codec.decode(topic, value);
      return found?.ok === true ? [{ value: found.value, offset, timestampMs }] : [];
    });
    yield { records: decoded, nextOffset };
  }
}
