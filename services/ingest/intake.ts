import type { Label, TrainingEvent } from '../../shared/domain/events.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardOfPrediction, shardOfSubject } from '../../shared/domain/prediction-id.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { itemBytes, RECORD_BYTES } from '../../shared/domain/split-by-size.ts';
import { tracedOne } from '../../shared/domain/traceparent.ts';
import { ShardQueue } from './domain/batcher.ts';
import type { IngestPorts, OutRecord, Written } from './ports.ts';

/** What an item is written as. */
export type IntakeItem =
  | { readonly kind: 'event'; readonly value: TrainingEvent }
  | { readonly kind: 'label'; readonly value: Label };

/** What the intake needs. */
export interface IntakeDeps {
  readonly ports: IngestPorts;
  readonly partitions: number;
  /** Items that may wait for Kafka, of one shard and kind. */
  readonly capacity: number;
  /** Most items of one record. */
  readonly batchMax: number;
}

/** The intake: items in, where they were written out. */
export interface Intake {
  /** Returns whether so many items of one kind fit at the moment. */
  hasRoom(model: ModelState, kind: IntakeItem['kind'], count: number): boolean;
  /**
   * Writes items, together with what else is waiting for the same shard, and returns where each went once Kafka has
   * acknowledged it (acks=all). When it fails, nothing is known: the client sends the same ids again.
   */
  write(model: ModelState, items: readonly IntakeItem[], traceparent: string | undefined): Promise<Written[]>;
}

interface Waiting {
  readonly item: IntakeItem;
  readonly traceparent: string | undefined;
  readonly resolve: (written: Written) => void;
  readonly reject: (error: unknown) => void;
}

function waitingBytes({ item }: Waiting): number {
  if (item.kind === 'event') return itemBytes(item.value);
  const { predictionId, source } = item.value;
  return itemBytes({ id: predictionId, subject: source, features: [] });
}

function shardOf(model: ModelState, item: IntakeItem): number {
  if (item.kind === 'event') return shardOfSubject(item.value.subject, model.spec.shards);
  return shardOfPrediction(item.value.predictionId) ?? 0;
}

/** Returns the intake. One write is under way per shard and kind; what comes meanwhile makes the next record. */
export function createIntake({ ports, partitions, capacity, batchMax }: IntakeDeps): Intake {
  const queues = new Map<string, ShardQueue<Waiting>>();
  const writing = new Set<string>();

  function queueOf(key: string): ShardQueue<Waiting> {
    const known =
      queues.get(key) ??
      new ShardQueue<Waiting>({ capacity, itemsMax: batchMax, bytesMax: RECORD_BYTES }, waitingBytes);
    queues.set(key, known);
    return known;
  }

  function recordOf(model: ModelState, shard: number, batch: readonly Waiting[]): OutRecord {
    const { name, features } = model.spec;
    const key = shardKey(name, shard);
    const traceparent = batch.map((one) => one.traceparent).reduce(tracedOne, undefined);
    const place = {
      key,
      partition: partitionOf(key, partitions),
      ...(traceparent === undefined ? {} : { headers: { traceparent } }),
    };
    const items = batch.map(({ item }) => item);
    if (items[0]?.kind === 'label') {
      const labels = items.map(({ value }) => value as Label);
      return { topic: 'labels.v1', ...place, value: { model: name, shard, labels } };
    }
    const events = items.map(({ value }) => value as TrainingEvent);
    const featureNames = features.map((feature) => feature.name);
    return {
      topic: 'training-events.v1',
      ...place,
      value: { model: name, shard, featureNames, watermarkMs: null, events },
    };
  }

  async function drain(model: ModelState, shard: number, key: string): Promise<void> {
    if (writing.has(key)) return;
    writing.add(key);
    const queue = queueOf(key);
    while (queue.size > 0) {
      const batch = queue.take();
      try {
        const [written] = await ports.send([recordOf(model, shard, batch)]);
        for (const { resolve } of batch) resolve(written ?? { partition: -1, offset: -1 });
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing.delete(key);
  }

  const keyOf = (model: ModelState, kind: string, shard: number): string =>
    `${kind}/${shardKey(model.spec.name, shard)}`;

  return {
    hasRoom: (model, kind, count) => queueOf(keyOf(model, kind, 0)).hasRoom(count),
    write(model, items, traceparent) {
      const results = items.map(
        (item) =>
          new Promise<Written>((resolve, reject) => {
            queueOf(keyOf(model, item.kind, shardOf(model, item))).add([
              { item, traceparent, resolve, reject },
            ]);
          }),
      );
      const shards = new Set(items.map((item) => shardOf(model, item)));
      const kind = items[0]?.kind ?? 'event';
      for (const shard of shards) void drain(model, shard, keyOf(model, kind, shard));
      return Promise.all(results);
    },
  };
}
