import type { TrainingEvent } from '../../shared/domain/events.ts';
import type { ModelDirectory, ModelState } from '../../shared/domain/model-directory.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { trainingEvent } from './domain/training-event.ts';
import { eventTimeOf, joinedRecords, joinItems } from './join-items.ts';
import { createJoinWatermarks, JOINED_TOPICS } from './join-watermarks.ts';
import type { JoinedTopic } from './join-watermarks.ts';
import type { NamedEvents } from './join-items.ts';
import type {
  IngestPorts,
  JoinItem,
  JoinOutcome,
  JoinPrediction,
  JoinProgress,
  JoinStore,
  JoinStores,
  OutRecord,
  Outcome,
  PartitionHandler,
  RecordBatch,
  LogRange,
  TopicPartition,
} from './ports.ts';

const CLOSED_AT_ONCE = 1000;
const TAKEN_AT_ONCE = 1000;

/** What the join needs. */
export interface JoinDeps {
  readonly ports: IngestPorts;
  readonly stores: JoinStores;
  readonly directory: () => ModelDirectory;
  /** Returns the range of every partition of a topic as it is now. */
  readonly logRanges: (topic: JoinedTopic) => Promise<ReadonlyMap<number, LogRange>>;
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

/** What a batch did to one shard, until it is settled. */
interface Touched {
  readonly joined: string[];
  readonly closed: string[];
  /** How far it has been consumed with the batch; undefined before its windows were looked at. */
  progress: JoinProgress | undefined;
  /** The watermark that was settled before the batch. */
  settledMs: number;
  /** Whether more windows are over than could be closed at once. */
  isMoreDue: boolean;
  /** Newest watermark among the emissions; undefined before any. */
  emittedMs: number | undefined;
}

/** The records of one shard in a batch. */
interface ShardRecords {
  readonly key: string;
  readonly name: string;
  readonly shard: number;
  readonly model: ModelState;
  readonly items: JoinItem[];
  /** Place of the shard's last record in the batch: its outcome carries what all of them emit. */
  lastIndex: number;
}

/**
 * Returns the join: each record is taken by the store atomically, pairs become training events, windows close as the
 * watermark passes them. What is emitted twice after a crash has the same event ids, and the learner's duplicate window
 * takes it once.
 */
export function createJoin(deps: JoinDeps): Join {
  const { ports, stores, directory } = deps;
  /** The state of each partition that we own. */
  const owned = new Map<number, JoinStore>();
  /** Next offset to read of each topic-partition. */
  const positions = new Map<string, number>();
  const lastEmittedMs = new Map<string, number>();
  const touched = new Map<string, Touched>();
  let assigned: readonly TopicPartition[] = [];
  /** Shards whose payloads are over the budget. */
  const full = new Set<string>();

  const keyOf = (topic: string, partition: number): string => `${topic}/${String(partition)}`;

  const watermarks = createJoinWatermarks({
    directory,
    logRanges: deps.logRanges,
    readTo: (topic, partition) => positions.get(keyOf(topic, partition)) ?? 0,
  });

  function storeOf(partition: number): JoinStore {
    const store = owned.get(partition);
    if (store === undefined) throw new RangeError(`partition ${String(partition)} is not ours`);
    return store;
  }

  /** Moves a shard's watermark and returns the predictions whose window it has passed, to be learned with the default. */
  async function closeWindows(
    key: string,
    batch: RecordBatch,
    newestMs: number,
    model: ModelState,
  ): Promise<JoinPrediction[]> {
    const store = storeOf(batch.partition);
    const before = await store.consumed(key);
    const progress = await watermarks.progressOf({ key, before, batch, newestMs, store });
    const { watermarkMs } = progress;
    const state = touchedOf(key);
    state.progress = progress;
    state.settledMs = before.watermarkMs;
    ports.observe.watermark(model.spec.name, watermarkMs);
    const as = model.spec.label.onWindowEnd === 'default' ? 'defaulted' : 'dropped';
    for (;;) {
      const closed = await store.closeWindows(key, { watermarkMs, as, limit: CLOSED_AT_ONCE });
      const fresh = closed.filter(({ prediction }) => !state.closed.includes(prediction.id));
      state.closed.push(...fresh.map(({ prediction }) => prediction.id));
      ports.observe.joined(as, fresh.length);
      if (as === 'defaulted') {
        state.isMoreDue = closed.length === CLOSED_AT_ONCE;
        return fresh; // the rest when these are acknowledged and freed
      }
      if (closed.length < CLOSED_AT_ONCE) return [];
      await store.free(key, { joined: [], closed: state.closed.splice(0), watermarkMs: 0 });
    }
  }

  function touchedOf(key: string): Touched {
    const found = touched.get(key);
    if (found !== undefined) return found;
    const made: Touched = {
      joined: [],
      closed: [],
      progress: undefined,
      settledMs: 0,
      isMoreDue: false,
      emittedMs: undefined,
    };
    touched.set(key, made);
    return made;
  }

  /**
   * Takes all records of one shard in a batch and returns what they make to be learned. Windows close only when all have
   * been taken: a label further on in the batch has found its prediction by then.
   */
  async function takeShard(batch: RecordBatch, of: ShardRecords): Promise<OutRecord[]> {
    const { key, model, items } = of;
    const byNames = new Map<string, NamedEvents>();
    const add = (prediction: JoinPrediction, event: TrainingEvent): void => {
      const names = prediction.featureNames.join('\u0000');
      const group = byNames.get(names) ?? { names: prediction.featureNames, events: [] };
      byNames.set(names, group);
      group.events.push(event);
    };
    const counts = new Map<JoinOutcome['kind'], number>();
    for (let from = 0; from < items.length; from += TAKEN_AT_ONCE) {
      for (const outcome of await storeOf(batch.partition).take(
        key,
        items.slice(from, from + TAKEN_AT_ONCE),
      )) {
        counts.set(outcome.kind, (counts.get(outcome.kind) ?? 0) + 1);
        if (outcome.kind !== 'joined') continue;
        touchedOf(key).joined.push(outcome.of.prediction.id);
        add(outcome.of, trainingEvent(outcome.of.prediction, outcome.label, outcome.observedAtMs));
      }
    }
    for (const [kind, count] of counts) ports.observe.joined(kind, count);
    const newestMs = items.reduce((newest, item) => Math.max(newest, eventTimeOf(item)), 0);
    for (const closed of await closeWindows(key, batch, newestMs, model)) {
      add(closed, trainingEvent(closed.prediction, model.spec.label.defaultLabel, null));
    }
    const state = touchedOf(key);
    const emittedMs = state.emittedMs ?? lastEmittedMs.get(key) ?? 0;
    const watermarkMs = state.isMoreDue ? emittedMs : (state.progress?.watermarkMs ?? 0); // no promise before all of it is kept
    const emit = [...byNames.values()].flatMap((group) =>
      joinedRecords({ ...of, partition: batch.partition, watermarkMs }, group),
    );
    const isWorthARecord = watermarkMs - emittedMs >= watermarks.windowShareMs(key);
    if (emit.length === 0 && isWorthARecord) {
      const featureNames = model.spec.features.map((feature) => feature.name);
      const value = { model: of.name, shard: of.shard, featureNames, watermarkMs, events: [] };
      emit.push({ topic: 'training-events.v1', key, partition: batch.partition, value });
    }
    if (emit.length > 0) state.emittedMs = watermarkMs;
    return emit;
  }

  async function pushBackIfFull(key: string, store: JoinStore): Promise<void> {
    const bytes = await store.bytes(key);
    ports.observe.joinBytes(bytes);
    const wasPaused = full.size > 0;
    if (bytes > deps.budgetBytes) full.add(key);
    else if (bytes < deps.budgetBytes * 0.8) full.delete(key);
    const isPaused = full.size > 0;
    if (isPaused === wasPaused) return;
    const predictions = assigned.filter(({ topic }) => topic === 'predictions.v1');
    if (isPaused) deps.pause(predictions);
    else deps.resume(predictions);
  }

  return {
    pushesBack: () =>
      full.size > 0 ? `join memory: the budget of ${String(deps.budgetBytes)} bytes is reached` : undefined,

    async takeOver(partitions) {
      assigned = partitions;
      touched.clear();
      positions.clear();
      full.clear();
      owned.clear();
      for (const partition of new Set(partitions.map((one) => one.partition)))
        owned.set(partition, await stores.own(partition));
      for (const topic of JOINED_TOPICS) {
        const ranges = await deps.logRanges(topic);
        for (const { partition } of partitions.filter((one) => one.topic === topic)) {
          const key = keyOf(topic, partition);
          const stored = (await stores.position(key)) ?? 0;
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
      const shards = new Map<string, ShardRecords>();
      const outcomes = batch.records.map((record, index): Outcome<OutRecord> => {
        if (record.topic !== 'predictions.v1' && record.topic !== 'labels.v1')
          return { kind: 'skipped', reason: 'foreign-topic' };
        const { model: name, shard } = record.value;
        const model = directory().get(name);
        if (model === undefined)
          return { kind: 'poison', reason: 'unknown-model', detail: `model ${name} does not exist` };
        const key = shardKey(name, shard);
        const of = shards.get(key) ?? { key, name, shard, model, items: [], lastIndex: index };
        shards.set(key, of);
        of.items.push(...joinItems(batch, index, model.spec.label.windowMs));
        of.lastIndex = index;
        return { kind: 'handled', emit: [] };
      });
      for (const of of shards.values()) {
        if (of.items.length > 0)
          outcomes[of.lastIndex] = { kind: 'handled', emit: await takeShard(batch, of) };
      }
      return outcomes;
    },

    async settle(batch) {
      const store = storeOf(batch.partition);
      const progress = new Map<string, JoinProgress>();
      for (const [key, { joined, closed, progress: made, settledMs, emittedMs }] of touched) {
        if (emittedMs !== undefined) lastEmittedMs.set(key, emittedMs);
        // Up to the watermark before this batch: were the process to die now, its records would be read again.
        await store.free(key, { joined, closed, watermarkMs: settledMs });
        await pushBackIfFull(key, store);
        if (made !== undefined) progress.set(key, made);
      }
      touched.clear();
      await store.setPosition(keyOf(batch.topic, batch.partition), batch.nextOffset, progress);
      positions.set(keyOf(batch.topic, batch.partition), batch.nextOffset);
      return batch.nextOffset;
    },

    skipTo({ topic, partition }, nextOffset) {
      const key = keyOf(topic, partition);
      positions.set(key, Math.max(positions.get(key) ?? 0, nextOffset));
    },
  };
}
