import type { Codec } from '../../../shared/events/codec.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { logRanges } from '../../../shared/kafka/partition-count.ts';
import { readRange } from '../../../shared/kafka/read-range.ts';
import { ArtefactChunks } from '../domain/artefact-chunks.ts';
import type { ReadArtefact } from '../ports.ts';

const TOPIC = 'artefacts.v1';

/** Returns what reads published files from artefacts.v1. Each time the topic is read as it is then; files of others are not decoded. */
export function createArtefactReader({
  kafka,
  codec,
  signal,
}: {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly signal: AbortSignal;
}): ReadArtefact {
  return async (digest) => {
    const { start = 0, end = 0 } = (await logRanges(kafka, TOPIC)).get(0) ?? {};
    const chunks = new ArtefactChunks(digest);
    for await (const { records } of readRange(kafka, {
      topic: TOPIC,
      partition: 0,
      from: start,
      to: end,
      signal,
    })) {
      const ours = records.filter(({ key }) => key !== null && chunks.wants(Buffer.from(key).toString()));
      await codec.learnWriters(ours.map(({ value }) => value));
      for (const { value } of ours) {
        const decoded = value === null ? undefined : codec.decode(TOPIC, value);
        if (decoded?.ok === true) chunks.take(decoded.value);
      }
    }
    const pieces = chunks.pieces();
    return pieces === undefined ? undefined : Buffer.concat(pieces);
  };
}
