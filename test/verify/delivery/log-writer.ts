import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { Label, Prediction } from '../../../shared/domain/events.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import { createRecordProducer } from '../../../shared/kafka/producer.ts';
import type { RecordProducer } from '../../../shared/kafka/producer.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { System } from '../../support/system.ts';

/** A trusted producer that writes predictions and labels to Kafka itself, past the router and ingest. */
export interface LogWriter {
  /** Resolves when a prediction that was made at a time is on Kafka. */
  prediction(model: string, id: string, predictedAtMs: number): Promise<void>;
  /** Resolves when labels are on Kafka. */
  labels(model: string, labels: readonly Label[]): Promise<void>;
  close(): Promise<void>;
}

function predictionAt(id: string, predictedAtMs: number): Prediction {
  return {
    id,
    predictedAtMs,
    subject: 'ada',
    features: ['red', 1, true],
    planVersion: 1,
    assignedArm: 'stable',
    servedVersion: 1,
    assignmentProbability: 1,
    position: 0,
    learnedToMs: null,
    stalenessMs: 0,
    latencyMicros: 1,
    scores: [{ version: 1, score: 0.5, scoringMicros: 1, failed: false }],
  };
}

/** Returns the producer. It tries again for as long as Kafka is away, a minute at most. */
export async function createLogWriter(system: System): Promise<LogWriter> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare(['predictions.v1', 'labels.v1']);
  const producer: RecordProducer = await createRecordProducer(system.kafka, codec);
  const write = async (record: Parameters<RecordProducer['send']>[0][number]): Promise<void> => {
    await waitUntil(() => producer.send([record]), { what: `writing ${record.topic}`, limitMs: 60_000 });
  };
  const placeOf = (model: string): { key: string; partition: number } => {
    const key = shardKey(model, 0);
    return { key, partition: partitionOf(key, PARTITIONS) };
  };
  return {
    prediction: (model, id, predictedAtMs) =>
      write({
        topic: 'predictions.v1',
        ...placeOf(model),
        value: {
          model,
          shard: 0,
          featureNames: ['colour', 'size', 'isNew'],
          router: 'another',
          predictions: [predictionAt(id, predictedAtMs)],
        },
      }),
    labels: (model, labels) =>
      write({ topic: 'labels.v1', ...placeOf(model), value: { model, shard: 0, labels } }),
    close: () => producer.close(),
  };
}
