import type { TrainingEvent } from '../../shared/domain/events.ts';
import type { ModelDirectory, ModelState } from '../../shared/domain/model-directory.ts';
import { parseShardKey, shardKey } from '../../shared/domain/shard.ts';
import { trainingEvent } from './domain/training-event.ts';
import { watermarkOf } from './domain/watermark.ts';
import type {
  IngestPorts,
  JoinItem,
  JoinOutcome,
  JoinPrediction,
  JoinStore,
  OutRecord,
  Outcome,
  PartitionHandler,
  RecordBatch,
  LogRange,
  TopicPartition,
} from './ports.ts';

const JOINED_TOPICS = ['predictions.v1', 'labels.v1'] as const;
const CLOSED_AT_ONCE = 1000;
/** A watermark that moved by this share of the label window is worth a record of its own. */
const WATERMARK_SHARE = 0.01;

/** What the join needs. */
export interface JoinDeps {
  readonly ports: IngestPorts;
  readonly store: JoinStore;
  readonly directory: () => ModelDirectory;
  /** Returns the range of every partition of a topic as it is now. */
  readonly logRanges: (topic: 'predictions.v1' | 'labels.v1') => Promise<ReadonlyMap<number, LogRange>>;
  /** Bytes of payloads above which predictions are read no further. */
  readonly budgetBytes: number;
  readonly pause: (partitions: readonly TopicPartition[]) => void;
  readonly resume: (partitions: readonly TopicPartition[]) => void;
}

/** The join of predictions and labels as the consumer loop sees it. */
export interface Join extends PartitionHandler {
  /** Why predictions are not read at the moment, if they are not. */
  readonly pushesBack: () => string | undefined;
}

/** How far a shard has been consumed. */
interface Progress {
  readonly predictions: number;
  readonly labels: number;
  readonly watermarkMs: number;
}

/** What a batch did to one shard, until it is settled. */
interface Touched {
  readonly joined: string[];
  readonly closed: string[];
  watermarkMs: number;
}

/**
 * Returns the join: each record is taken by the store atomically, pairs become training events, windows close as the
 * watermark passes them. What is emitted twice after a crash has the same event ids, and the learner's duplicate window
 * takes it once.
 */
export function createJoin(deps: JoinDeps): Join {
  const { ports, store, directory } = deps;
  /** Next offset to read of each topic-partition. */
  const positions = new Map<string, number>();
  const lastEmittedMs = new Map<string, number>();
  const touched = new Map<string, Touched>();
  let assigned: readonly TopicPartition[] = [];
  let isPaused = false;

  const keyOf = (topic: string, partition: number): string => `${topic}/${String(partition)}`;

  function itemsOf(batch: RecordBatch, index: number, model: ModelState): JoinItem[] {
    const record = batch.records[index];
    const { windowMs } = model.spec.label;
    if (record?.topic === 'predictions.v1') {
      const { featureNames, predictions } = record.value;
      return predictions.map((prediction, item) => ({
        kind: 'prediction',
        source: `p/${String(batch.partition)}/${String(record.source.offset)}/${String(item)}`,
        of: { prediction, featureNames },
        deadlineMs: prediction.predictedAtMs + windowMs,
      }));
    }
    if (record?.topic !== 'labels.v1') return [];
    return record.value.labels.map((label, item) => ({
      kind: 'label',
      source: `l/${String(batch.partition)}/${String(record.source.offset)}/${String(item)}`,
      label,
      forgetAtMs: label.observedAtMs + windowMs,
    }));
  }

  function eventTimeOf(item: JoinItem): number {
    return item.kind === 'prediction' ? item.of.prediction.predictedAtMs : item.label.observedAtMs;
  }

  /** Returns how far a shard has been consumed when this batch is done, and the watermark that follows from it now. */
  async function progressOf(key: string, batch: RecordBatch, newestMs: number): Promise<Progress> {
    const before = await store.consumed(key);
    const isPredictions = batch.topic === 'predictions.v1';
    const predictions = isPredictions ? Math.max(before.predictions, newestMs) : before.predictions;
    const labels = isPredictions ? before.labels : Math.max(before.labels, newestMs);
    const watermarkWith = (isAtEnd: Record<(typeof JOINED_TOPICS)[number], boolean>): number =>
      Math.max(
        before.watermarkMs,
        watermarkOf(
          { eventTimeMs: predictions, isAtEnd: isAtEnd['predictions.v1'] },
          { eventTimeMs: labels, isAtEnd: isAtEnd['labels.v1'] },
        ),
      );
    const best = watermarkWith({ 'predictions.v1': true, 'labels.v1': true });
    const isIdle = best - before.watermarkMs < windowShareMs(key) && !(await store.hasDue(key, best));
    if (isIdle) return { predictions, labels, watermarkMs: before.watermarkMs };
    const [p, l] = [await isReadToEnd('predictions.v1', batch), await isReadToEnd('labels.v1', batch)];
    return { predictions, labels, watermarkMs: watermarkWith({ 'predictions.v1': p, 'labels.v1': l }) };
  }

  /** Asks the broker, because what was the end a moment ago need not be: an unread label must hold the watermark. */
  async function isReadToEnd(topic: (typeof JOINED_TOPICS)[number], batch: RecordBatch): Promise<boolean> {
    const { partition } = batch;
    const read = topic === batch.topic ? batch.nextOffset : (positions.get(keyOf(topic, partition)) ?? 0);
    return read >= ((await deps.logRanges(topic)).get(partition)?.end ?? 0);
  }

  function windowShareMs(key: string): number {
    const windowMs = directory().get(parseShardKey(key)?.model ?? '')?.spec.label.windowMs ?? 0;
    return windowMs * WATERMARK_SHARE;
  }

  /** Moves a shard's watermark and returns the predictions whose window it has passed, to be learned with the default. */
  async function closeWindows(
    key: string,
    batch: RecordBatch,
    newestMs: number,
    model: ModelState,
  ): Promise<JoinPrediction[]> {
    const progress = await progressOf(key, batch, newestMs);
    const { watermarkMs } = progress;
    await store.advance(key, progress);
    const state = touchedOf(key);
    state.watermarkMs = watermarkMs;
    ports.observe.watermark(model.spec.name, watermarkMs);
    const as = model.spec.label.onWindowEnd === 'default' ? 'defaulted' : 'dropped';
    for (;;) {
      const closed = await store.closeWindows(key, { watermarkMs, as, limit: CLOSED_AT_ONCE });
      const fresh = closed.filter(({ prediction }) => !state.closed.includes(prediction.id));
      state.closed.push(...fresh.map(({ prediction }) => prediction.id));
      ports.observe.joined(as, fresh.length);
      if (as === 'defaulted') return fresh; // the rest when these are acknowledged and freed
      if (closed.length < CLOSED_AT_ONCE) return [];
      await freeClosed(key, state);
    }
  }

  async function freeClosed(key: string, state: Touched): Promise<void> {
    await store.free(key, { joined: [], closed: state.closed.splice(0), watermarkMs: 0 });
  }

  function touchedOf(key: string): Touched {
    const known = touched.get(key);
    if (known !== undefined) return known;
    const made: Touched = { joined: [], closed: [], watermarkMs: 0 };
    touched.set(key, made);
    return made;
  }

  function recordOf(
    model: string,
    shard: number,
    batch: RecordBatch,
    input: { names: readonly string[]; watermarkMs: number | null; events: readonly TrainingEvent[] },
  ): OutRecord {
    return {
      topic: 'training-events.v1',
      key: shardKey(model, shard),
      partition: batch.partition,
      value: {
        model,
        shard,
        featureNames: input.names,
        watermarkMs: input.watermarkMs,
        events: input.events,
      },
    };
  }

  /** Takes one record and returns what it makes to be learned. */
  async function takeRecord(batch: RecordBatch, index: number): Promise<Outcome<OutRecord>> {
    const record = batch.records[index];
    if (record?.topic !== 'predictions.v1' && record?.topic !== 'labels.v1')
      return { kind: 'skipped', reason: 'foreign-topic' };
    const { model: name, shard } = record.value;
    const model = directory().get(name);
    if (model === undefined)
      return { kind: 'poison', reason: 'unknown-model', detail: `model ${name} does not exist` };
    const key = shardKey(name, shard);
    const items = itemsOf(batch, index, model);
    if (items.length === 0) return { kind: 'handled', emit: [] };
    const outcomes = await store.take(key, items);
    const counts = new Map<JoinOutcome['kind'], number>();
    const byNames = new Map<string, { names: readonly string[]; events: TrainingEvent[] }>();
    const add = (of: JoinPrediction, event: TrainingEvent): void => {
      const group = of.featureNames.join('\u0000');
      const entry = byNames.get(group) ?? { names: of.featureNames, events: [] };
      byNames.set(group, entry);
      entry.events.push(event);
    };
    for (const outcome of outcomes) {
      counts.set(outcome.kind, (counts.get(outcome.kind) ?? 0) + 1);
      if (outcome.kind !== 'joined') continue;
      touchedOf(key).joined.push(outcome.of.prediction.id);
      add(outcome.of, trainingEvent(outcome.of.prediction, outcome.label, outcome.observedAtMs));
    }
    for (const [kind, count] of counts) ports.observe.joined(kind, count);
    const newestMs = items.reduce((newest, item) => Math.max(newest, eventTimeOf(item)), 0);
    for (const closed of await closeWindows(key, batch, newestMs, model)) {
      add(closed, trainingEvent(closed.prediction, model.spec.label.defaultLabel, null));
    }
    const names = model.spec.features.map((feature) => feature.name);
    const { watermarkMs } = touchedOf(key);
    const emit = [...byNames.values()].map((group) =>
      recordOf(name, shard, batch, { ...group, watermarkMs }),
    );
    const isWorthARecord = watermarkMs - (lastEmittedMs.get(key) ?? 0) >= windowShareMs(key);
    if (emit.length === 0 && isWorthARecord)
      emit.push(recordOf(name, shard, batch, { names, watermarkMs, events: [] }));
    if (emit.length > 0) lastEmittedMs.set(key, watermarkMs);
    return { kind: 'handled', emit };
  }

  async function pushBackIfFull(key: string): Promise<void> {
    const bytes = await store.bytes(key);
    ports.observe.joinBytes(bytes);
    const predictions = assigned.filter(({ topic }) => topic === 'predictions.v1');
    if (!isPaused && bytes > deps.budgetBytes) {
      isPaused = true;
      deps.pause(predictions);
    } else if (isPaused && bytes < deps.budgetBytes * 0.8) {
      isPaused = false;
      deps.resume(predictions);
    }
  }

  return {
    pushesBack: () =>
      isPaused ? `join memory: the budget of ${String(deps.budgetBytes)} bytes is reached` : undefined,

    async takeOver(partitions) {
      assigned = partitions;
      touched.clear();
      positions.clear();
      isPaused = false;
      for (const topic of JOINED_TOPICS) {
        const ranges = await deps.logRanges(topic);
        for (const { partition } of partitions.filter((one) => one.topic === topic)) {
          const key = keyOf(topic, partition);
          const stored = (await store.position(key)) ?? 0;
          const start = ranges.get(partition)?.start ?? 0;
          if (stored < start && stored > 0)
            ports.log.error({ key, stored, start }, 'records were deleted before the join read them');
          positions.set(key, Math.max(stored, start));
        }
      }
      return new Map(positions);
    },

    async handle(batch) {
      touched.clear(); // a repeated batch begins again: the store gives the same pairs
      const outcomes: Outcome<OutRecord>[] = [];
      for (let index = 0; index < batch.records.length; index += 1)
        outcomes.push(await takeRecord(batch, index));
      return outcomes;
    },

    async settle(batch) {
      for (const [key, { joined, closed, watermarkMs }] of touched) {
        await store.free(key, { joined, closed, watermarkMs });
        await pushBackIfFull(key);
      }
      touched.clear();
      positions.set(keyOf(batch.topic, batch.partition), batch.nextOffset);
      await store.setPosition(keyOf(batch.topic, batch.partition), batch.nextOffset);
      return batch.nextOffset;
    },
  };
}
