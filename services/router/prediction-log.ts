import { AvroWriter } from '../../shared/domain/avro-writer.ts';
import type { ModelSpec } from '../../shared/domain/model-spec.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import type { RecordLimits } from '../../shared/domain/split-by-size.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import { tracedOne } from '../../shared/domain/traceparent.ts';
import { predictionsBody } from './domain/prediction-avro.ts';
import type { LogDropReason, OutRecord, PredictionLogPorts } from './ports.ts';

/** A prediction for which room has been taken. */
export interface LoggedPrediction {
  readonly spec: ModelSpec;
  readonly shard: number;
  /** What was taken with `reserve`. */
  readonly bytes: number;
  /** W3C trace context of the request. */
  readonly traceparent: string | undefined;
  /** Writes the prediction as an item of predictions.v1; called once, at once. */
  readonly writeTo: (writer: AvroWriter) => void;
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
  /** Returns the partition count; throws retriable errors while Kafka has not been reached yet. */
  readonly partitions: () => number;
  /** Room for predictions on their way, bytes. */
  readonly capacityBytes: number;
  readonly record: RecordLimits;
}

type Settle = (error?: unknown) => void;

/** Predictions that make one record. */
interface Gathered {
  readonly spec: ModelSpec;
  readonly shard: number;
  readonly items: AvroWriter;
  count: number;
  /** What was taken for them. */
  bytes: number;
  traceparent: string | undefined;
  /** Whom to tell, where an answer waits. */
  readonly settles: Settle[];
}

interface Queue {
  readonly model: string;
  readonly shard: number;
  /** Of its records. */
  readonly key: string;
  readonly gathered: Gathered[];
  isWriting: boolean;
}

const RETRY_PAUSE_MS = 500;

/**
 * Returns the log. One write is under way per shard, and between two writes predictions are gathered as before the first, unless a
 * record is full or an answer waits: a write's acknowledgement comes sooner than a record fills.
 */
export function createPredictionLog(deps: PredictionLogDeps): PredictionLog {
  const { ports } = deps;
  const { itemsMax, bytesMax } = deps.record;
  const queues = new Map<string, Queue>();
  /** The one that took an item last. */
  let recent: Queue | undefined;
  const body = new AvroWriter();
  /** Writers of records that are sent, to be used again. */
  const writers: AvroWriter[] = [];
  let takenBytes = 0;
  let isStopped = false;
  const flushed: (() => void)[] = [];

  function release(bytes: number): void {
    takenBytes -= bytes;
    ports.observe.logBuffered(takenBytes);
    if (takenBytes > 0) return;
    for (const resolve of flushed.splice(0)) resolve();
  }

  function drop({ spec, count }: Gathered, reason: LogDropReason): void {
    ports.observe.logDropped(spec.name, reason, count);
  }

  function recordOf(key: string, { spec, shard, traceparent, count, items }: Gathered): OutRecord {
    const featureNames = spec.features.map(({ name }) => name);
    const head = { model: spec.name, shard, featureNames, router: deps.router };
    return {
      topic: 'predictions.v1',
      key,
      partition: partitionOf(key, deps.partitions()),
      ...(traceparent === undefined ? {} : { headers: { traceparent } }),
      value: predictionsBody(body, head, { count, bytes: items }),
    };
  }

  async function writeBatch(key: string, gathered: Gathered): Promise<void> {
    const { spec, count, settles } = gathered;
    let records: OutRecord[] | undefined;
    for (let tries = 1; ; tries += 1) {
      try {
        records ??= [recordOf(key, gathered)];
        await ports.send(records);
        for (const settle of settles) settle();
        return;
      } catch (error) {
        if (settles.length > 0) {
          for (const settle of settles) settle(error);
          return;
        }
        const fields = { model: spec.name, count, tries, reason: messageOf(error) };
        if (!isRetriable(error) || isStopped) {
          ports.log.warn(fields, 'predictions dropped');
          drop(gathered, isStopped ? 'stopped' : 'refused');
          return;
        }
        if (tries === 1 || tries % 10 === 0) ports.log.warn(fields, 'predictions wait');
        await ports.pause(RETRY_PAUSE_MS);
      }
    }
  }

  /** Whether nothing is lost by waiting for more. */
  function mayGather({ gathered }: Queue): boolean {
    const [first] = gathered;
    return gathered.length === 1 && first?.settles.length === 0 && first.count < itemsMax;
  }

  async function drain(queue: Queue): Promise<void> {
    for (let isFirst = true; ; isFirst = false) {
      if (!isFirst && mayGather(queue)) await new Promise<void>(ports.gather);
      const first = queue.gathered.shift();
      if (first === undefined) break;
      await writeBatch(queue.key, first);
      if (writers.length < queues.size) writers.push(first.items);
      release(first.bytes);
    }
    queue.isWriting = false;
  }

  function queueOf({ spec: { name }, shard }: LoggedPrediction): Queue {
    if (recent?.model === name && recent.shard === shard) return recent;
    const key = shardKey(name, shard);
    recent = queues.get(key) ?? { model: name, shard, key, gathered: [], isWriting: false };
    queues.set(key, recent);
    return recent;
  }

  /** Returns what the next item goes into. */
  function openFor(queue: Queue, { spec, shard, bytes }: LoggedPrediction): Gathered {
    const last = queue.gathered.at(-1);
    if (last !== undefined && last.count < itemsMax && last.bytes + bytes <= bytesMax) return last;
    const items = writers.pop() ?? new AvroWriter();
    items.clear();
    const made: Gathered = { spec, shard, items, count: 0, bytes: 0, traceparent: undefined, settles: [] };
    queue.gathered.push(made);
    return made;
  }

  function put(item: LoggedPrediction, settle: Settle | undefined): void {
    if (isStopped) {
      settle?.(new Error('the router is stopping'));
      if (settle === undefined) ports.observe.logDropped(item.spec.name, 'stopped', 1);
      release(item.bytes);
      return;
    }
    const queue = queueOf(item);
    const into = openFor(queue, item);
    item.writeTo(into.items);
    into.count += 1;
    into.bytes += item.bytes;
    if (item.traceparent !== undefined) into.traceparent = tracedOne(into.traceparent, item.traceparent);
    if (settle !== undefined) into.settles.push(settle);
    if (queue.isWriting) return;
    queue.isWriting = true;
    const begin = settle === undefined ? ports.gather : ports.defer; // an answer waits for what has a `settle`
    begin(() => void drain(queue));
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
      put(item, undefined);
    },
    write: (item) =>
      new Promise((resolve, reject) => {
        put(item, (error) => {
          if (error === undefined) resolve();
          else reject(error instanceof Error ? error : new Error(messageOf(error)));
        });
      }),
    flush: () =>
      takenBytes === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            flushed.push(resolve);
          }),
    stop() {
      isStopped = true;
      for (const { gathered } of queues.values()) {
        const left = gathered.splice(0);
        const unawaited = left.filter(({ settles }) => settles.length === 0);
        const [first] = unawaited;
        const count = unawaited.reduce((sum, one) => sum + one.count, 0);
        if (first !== undefined) ports.observe.logDropped(first.spec.name, 'stopped', count);
        for (const { settles, bytes } of left) {
          for (const settle of settles) settle(new Error('the router is stopping'));
          release(bytes);
        }
      }
    },
  };
}
