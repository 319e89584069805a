import { createHash } from 'node:crypto';
import { chainFault, GENESIS_HASH } from '../../shared/domain/version-chain.ts';
import type { ChainEnd } from '../../shared/domain/version-chain.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { createCodec } from '../../shared/events/codec.ts';
import type { TopicRecords } from '../../shared/events/topics.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { logRanges } from '../../shared/kafka/partition-count.ts';
import { readRange } from '../../shared/kafka/read-range.ts';

/** The topics of which the demo tells something that no service does. */
type ReadTopic = 'model-versions.v1' | 'predictions.v1' | 'verdicts.v1';

/** Reads the logs of one model, past the services. */
export interface LogReader {
  /** Returns how many verdicts the monitor has published of each rollout. */
  verdictsByRollout(): Promise<ReadonlyMap<string, number>>;
  /** Returns where the predictions of the model end at present. */
  predictionsEnd(): Promise<number>;
  /**
   * Returns when the first record with a failed score of a version was written, from an offset on and under a traffic plan
   * or a newer one; null when there is none.
   */
  firstFailureAtMs(version: number, from: number, planVersion: number): Promise<number | null>;
  /** Returns the first broken link of the version log's hash chain, in words; null when it is whole. */
  brokenLink(): Promise<string | null>;
}

/** Returns the reader of a model's logs. */
export function createLogReader(kafka: KafkaClient, schemaRegistryUrl: string, model: string): LogReader {
  const codec = createCodec(schemaRegistryUrl, Date.now);

  async function placeOf(topic: ReadTopic): Promise<{ partition: number; end: number }> {
    const ranges = await logRanges(kafka, topic);
    const partition = partitionOf(shardKey(model, 0), ranges.size);
    return { partition, end: ranges.get(partition)?.end ?? 0 };
  }

  async function* read<Topic extends ReadTopic>(
    topic: Topic,
    from = 0,
  ): AsyncGenerator<{ value: TopicRecords[Topic]; timestampMs: number }> {
    const { partition, end: to } = await placeOf(topic);
    for await (const { records } of readRange(kafka, { topic, partition, from, to })) {
      await codec.learnWriters(records.map(({ value }) => value));
      for (const { value, timestampMs, offset } of records) {
        if (value === null) continue;
        const decoded = codec.decode(topic, value);
        if (!decoded.ok) throw new Error(`${topic} at ${String(offset)}: ${decoded.reason}`);
        yield { value: decoded.value, timestampMs };
      }
    }
  }

  return {
    async verdictsByRollout() {
      const counts = new Map<string, number>();
      for await (const { value } of read('verdicts.v1'))
        counts.set(value.rolloutId, (counts.get(value.rolloutId) ?? 0) + 1);
      return counts;
    },
    predictionsEnd: async () => (await placeOf('predictions.v1')).end,
    async firstFailureAtMs(version, from, planVersion) {
      for await (const { value, timestampMs } of read('predictions.v1', from)) {
        const hasFailed = value.predictions.some(
          (one) =>
            one.planVersion >= planVersion &&
            one.scores.some((score) => score.version === version && score.failed),
        );
        if (value.model === model && hasFailed) return timestampMs;
      }
      return null;
    },
    async brokenLink() {
      const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
      let end: ChainEnd = { sequence: 0, hash: GENESIS_HASH };
      for await (const { value } of read('model-versions.v1')) {
        const fault = chainFault(end, value, sha256);
        if (fault !== undefined) return fault;
        end = value;
      }
      return null;
    },
  };
}
