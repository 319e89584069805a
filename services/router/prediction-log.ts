import type { Prediction } from '../../shared/domain/events.ts';
import type { ModelSpec } from '../../shared/domain/model-spec.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { recordLength } from '../../shared/domain/split-by-size.ts';
import type { RecordLimits } from '../../shared/domain/split-by-size.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import type { LogDropReason, OutRecord, PredictionLogPorts } from './ports.ts';

/** A prediction for which room has been taken. */
export interface LoggedPrediction {
  readonly spec: ModelSpec;
  readonly shard: number;
  readonly prediction: Prediction;
  /** What was taken with `reserve`. */
  readonly bytes: number;
  /** W3C trace context of the request. */
  readonly traceparent: string | undefined;
}

/** Predictions on their way to predictions.v1. */
export interface PredictionLog {
  /** Takes room for a prediction and returns true, or counts it as dropped and returns false. */
  reserve(model: string, bytes: number): boolean;
  /** Writes a prediction some time: for as long as Kafka is away it waits, and is repeated until it is acknowledged. */
  add(item: LoggedPrediction): void;
  /** Resolves when the prediction is acknowledged; rejects when the write failed, and nothing is known of it then. */
  write(item: LoggedPrediction): Promise<void>;
  /** Resolves when everything that was taken has been written or dropped. */
  flush(): Promise<void>;
  /** Drops what still waits and tries nothing again. */
  stop(): void;
}

/** What the log needs. */
export interface PredictionLogDeps {
  readonly ports: PredictionLogPorts;
  /** Instance id of this router. */
  readonly router: string;
  readonly partitions: number;
  /** Room for predictions on their way, bytes. */
  readonly capacityBytes: number;
  readonly record: RecordLimits;
}

interface Waiting extends LoggedPrediction {
  readonly settle: ((error?: unknown) => void) | undefined;
}

interface Queue {
  items: Waiting[];
  isWriting: boolean;
}

const bytesOf = ({ bytes }: LoggedPrediction): number => bytes;

const RETRY_PAUSE_MS = 500;

/** Returns the log. One write is under way per shard; what gathers meanwhile makes the next record. */
export function createPredictionLog(deps: PredictionLogDeps): PredictionLog {
  const { ports } = deps;
  const queues = new Map<string, Queue>();
  let takenBytes = 0;
  let isStopped = false;
  const flushed: (() => void)[] = [];

  function release(items: readonly Waiting[]): void {
    for (const { bytes } of items) takenBytes -= bytes;
    ports.observe.logBuffered(takenBytes);
    if (takenBytes > 0) return;
    for (const resolve of flushed.splice(0)) resolve();
  }

  function drop(items: readonly Waiting[], reason: LogDropReason): void {
    const model = items[0]?.spec.name;
    if (model !== undefined) ports.observe.logDropped(model, reason, items.length);
  }

  function recordOf(key: string, items: readonly Waiting[], first: Waiting): OutRecord {
    const { spec, shard } = first;
    const traceparent = items.find((item) => item.traceparent !== undefined)?.traceparent;
    return {
      topic: 'predictions.v1',
      key,
      partition: partitionOf(key, deps.partitions),
      ...(traceparent === undefined ? {} : { headers: { traceparent } }),
      value: {
        model: spec.name,
        shard,
        featureNames: spec.features.map(({ name }) => name),
        router: deps.router,
        predictions: items.map(({ prediction }) => prediction),
      },
    };
  }

  async function writeBatch(key: string, items: readonly Waiting[], first: Waiting): Promise<void> {
    const records = [recordOf(key, items, first)];
    for (let tries = 1; ; tries += 1) {
      try {
        await ports.send(records);
        for (const { settle } of items) settle?.();
        return;
      } catch (error) {
        if (first.settle !== undefined) {
          for (const { settle } of items) settle?.(error);
          return;
        }
        const fields = { model: first.spec.name, count: items.length, tries, reason: messageOf(error) };
        if (!isRetriable(error) || isStopped) {
          ports.log.warn(fields, 'predictions dropped');
          drop(items, isStopped ? 'stopped' : 'refused');
          return;
        }
        if (tries === 1 || tries % 10 === 0) ports.log.warn(fields, 'predictions wait');
        await ports.pause(RETRY_PAUSE_MS);
      }
    }
  }

  async function drain(key: string, queue: Queue): Promise<void> {
    for (;;) {
      const [first] = queue.items;
      if (first === undefined) break;
      const batch = queue.items.splice(0, recordLength(queue.items, bytesOf, deps.record));
      await writeBatch(key, batch, first);
      release(batch);
    }
    queue.isWriting = false;
  }

  function put(item: Waiting): void {
    if (isStopped) {
      item.settle?.(new Error('the router is stopping'));
      if (item.settle === undefined) drop([item], 'stopped');
      release([item]);
      return;
    }
    const key = shardKey(item.spec.name, item.shard);
    const queue = queues.get(key) ?? { items: [], isWriting: false };
    queues.set(key, queue);
    queue.items.push(item);
    if (queue.isWriting) return;
    queue.isWriting = true;
    ports.defer(() => void drain(key, queue)); // what was answered by the same run goes into the same record
  }

  return {
    reserve(model, bytes) {
      if (takenBytes + bytes > deps.capacityBytes) {
        ports.observe.logDropped(model, 'full', 1);
        return false;
      }
      takenBytes += bytes;
      ports.observe.logBuffered(takenBytes);
      return true;
    },
    add: (item) => {
      put({ ...item, settle: undefined });
    },
    write: (item) =>
      new Promise((resolve, reject) => {
        const settle = (error?: unknown): void => {
          if (error === undefined) resolve();
          else reject(error instanceof Error ? error : new Error(messageOf(error)));
        };
        put({ ...item, settle });
      }),
    flush: () =>
      takenBytes === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            flushed.push(resolve);
          }),
    stop() {
      isStopped = true;
      for (const queue of queues.values()) {
        const left = queue.items.splice(0);
        drop(left, 'stopped');
        release(left);
      }
    },
  };
}
