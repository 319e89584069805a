import type { TrainingEvent } from '../domain/events.ts';
import type { FeatureValue } from '../domain/model-spec.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { shardKey } from '../domain/shard.ts';
import { createCodec } from './codec.ts';

/** An example as a producer of its own knows it. */
export interface ProducedEvent {
  /** Unique within the model, 1 … 128 characters: a repeat within the duplicate window is not learned again. */
  readonly id: string;
  readonly subject: string;
  /** When it happened, ms since the Unix epoch. */
  readonly eventTimeMs: number;
  readonly features: Readonly<Record<string, FeatureValue>>;
  /** 0 or 1. */
  readonly label: number;
  /** (0, 1000]; 1 when not said. */
  readonly weight?: number;
}

/** A record of training-events.v1 as any Kafka client can write it. */
export interface EncodedRecord {
  readonly topic: 'training-events.v1';
  readonly key: Buffer;
  readonly value: Buffer;
  /** Must be given to the client: default partitioners differ, and a record in another partition is dead-lettered. */
  readonly partition: number;
}

/** Turns examples into records for producers that write Kafka themselves. */
export interface TrainingEventEncoder {
  /** Returns one record of all events, in the order in which they are to be learned. Throws TypeError naming the field. */
  encode(model: string, events: readonly ProducedEvent[]): EncodedRecord;
}

/**
 * Returns the encoder for producers of their own. Looks up the schema's id once.
 *
 * @param partitions partition count of training-events.v1
 * @throws HeadraceError `schema-missing` or `schema-registry-unavailable`
 */
export async function createTrainingEventEncoder(
  schemaRegistryUrl: string,
  partitions: number,
): Promise<TrainingEventEncoder> {
  const codec = createCodec(schemaRegistryUrl, Date.now);
  await codec.prepare(['training-events.v1']);
  return {
    encode(model, events) {
      const featureNames = [...new Set(events.flatMap(({ features }) => Object.keys(features)))];
      const rows = events.map(({ id, subject, eventTimeMs, features, label, weight = 1 }): TrainingEvent => ({
        id,
        eventTimeMs,
        subject,
        features: featureNames.map((name) =>
          Object.hasOwn(features, name) ? (features[name] ?? null) : null,
        ),
        label,
        weight,
        labelSource: 'event',
        served: null,
      }));
      const key = shardKey(model, 0);
      const value = codec.encode('training-events.v1', {
        model,
        shard: 0,
        featureNames,
        watermarkMs: null,
        events: rows,
      });
      return {
        topic: 'training-events.v1',
        key: Buffer.from(key),
        value,
        partition: partitionOf(key, partitions),
      };
    },
  };
}
