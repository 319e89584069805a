import { parseShardKey, shardKey } from '../../shared/domain/shard.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { learningVersions } from '../../shared/domain/model-directory.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { messageOf } from '../../shared/errors.ts';
import type {
  LearnerPorts,
  OutRecord,
  Outcome,
  PartitionHandler,
  RecordBatch,
  TopicPartition,
} from './ports.ts';
import type { ShardRuntime, ShardView } from './shard-runtime.ts';
import { openShard } from './open-shard.ts';

const TOPIC = 'training-events.v1';

/** What the learner needs besides the world. */
export interface LearnerDeps {
  readonly ports: LearnerPorts;
  /** Partition count of the sharded topics. */
  readonly partitions: number;
  readonly checkpointIntervalMs: number;
  readonly directory: () => ModelDirectory;
  /** Asks the consumer loop to read a partition again from an offset. */
  readonly seek: (partition: TopicPartition, offset: number) => void;
}

/** The learner as the consumer loop, the timers and HTTP see it. */
export interface Learner extends PartitionHandler {
  /** Acts on changes of the directory: new versions are born, retired ones let go. */
  reconcile(): Promise<void>;
  /** Saves what is due although no batch comes. */
  tick(): Promise<void>;
  /** Saves everything and stops publishing. */
  stop(): Promise<void>;
  /** What is wrong with stopped shards, by shard key. */
  readonly stopped: () => ReadonlyMap<string, string>;
  /** Returns what can be seen of a model's shards here. Costs a digest of the whole state. */
  view(model: string): readonly ShardView[];
}

/**
 * Returns the learner: it owns the shards of its partitions, applies every record once in order, and lets positions move
 * only after what they emitted is acknowledged. One thing happens at a time: a batch from `handle` to `settle`, or a
 * reconciliation between two batches.
 */
export function createLearner(deps: LearnerDeps): Learner {
  const { ports } = deps;
  const shards = new Map<string, ShardRuntime>();
  const stopped = new Map<string, string>();
  /** Next offset the loop wants of each partition that is ours. */
  const cursors = new Map<number, number>();
  let isInBatch = false;
  let background: Promise<void> | undefined;

  const isBusy = (): boolean => isInBatch || background !== undefined;

  function keysOf(partition: number): string[] {
    return [...deps.directory().keys()]
      .map((model) => shardKey(model, 0))
      .filter((key) => partitionOf(key, deps.partitions) === partition);
  }

  function drop(key: string, why: string): void {
    shards.get(key)?.stop();
    shards.delete(key);
    ports.log.warn({ shard: key, why }, 'shard dropped');
  }

  function stopShard(key: string, reason: string): void {
    shards.get(key)?.stop();
    shards.delete(key);
    stopped.set(key, reason);
    ports.observe.alarm(parseShardKey(key)?.model ?? key, true);
    ports.log.error(
      { shard: key, reason },
      'shard stopped: see "A shard stopped" in services/online-learner/README.md',
    );
  }

  async function saveShard(key: string, runtime: ShardRuntime): Promise<void> {
    if ((await runtime.save()) === 'fenced') drop(key, 'another learner has taken it over');
  }

  /** Takes a shard over unless we still own it. A shard that cannot be trusted is stopped, alone. */
  async function ensureShard(key: string, partition: number): Promise<ShardRuntime | undefined> {
    const known = shards.get(key);
    if (known !== undefined) {
      if (await known.deps.checkpoint.isOwned()) return known;
      drop(key, 'its epoch was raised');
    }
    const model = deps.directory().get(parseShardKey(key)?.model ?? '');
    if (model === undefined || learningVersions(model).length === 0) return undefined;
    const opened = await openShard({ model, key, partition, ports });
    if (typeof opened === 'string') {
      stopShard(key, opened);
      return undefined;
    }
    stopped.delete(key);
    ports.observe.alarm(model.spec.name, false);
    shards.set(key, opened);
    return opened;
  }

  /** Opens shards of a partition that are not open, gives life to due versions, and saves births before they learn. */
  async function reconcilePartition(partition: number): Promise<void> {
    for (const key of keysOf(partition)) {
      if (stopped.has(key)) continue;
      const wasOpen = shards.has(key);
      const runtime = wasOpen ? shards.get(key) : await ensureShard(key, partition);
      if (runtime === undefined) continue;
      const model = deps.directory().get(parseShardKey(key)?.model ?? '');
      if (model !== undefined) runtime.update(model);
      runtime.reconcile();
      if (runtime.hasUnsavedBirths || !wasOpen) await saveShard(key, runtime);
      runtime.publishDue();
      const cursor = cursors.get(partition);
      if (!wasOpen && cursor !== undefined && runtime.learner.position < cursor) {
        cursors.set(partition, runtime.learner.position);
        deps.seek({ topic: TOPIC, partition }, runtime.learner.position);
      }
    }
  }

  /** Does something between two batches; what is asked for meanwhile waits, and so does the next batch. */
  async function betweenBatches(work: () => Promise<void>): Promise<void> {
    if (isBusy()) return;
    background = work();
    try {
      await background;
    } finally {
      background = undefined;
    }
  }

  async function untilAlone(): Promise<void> {
    while (background !== undefined) await background.catch(() => undefined); // its own caller hears of the failure
  }

  async function reconcileAll(): Promise<void> {
    for (const partition of cursors.keys()) await reconcilePartition(partition);
  }

  function ours(partition: number): [string, ShardRuntime][] {
    return [...shards].filter(([, { deps: shard }]) => shard.partition === partition);
  }

  function decide(batch: RecordBatch, index: number): Outcome<OutRecord> {
    const record = batch.records[index];
    if (record?.topic !== TOPIC) return { kind: 'skipped', reason: 'foreign-topic' };
    const { value, source } = record;
    const key = shardKey(value.model, value.shard);
    const runtime = shards.get(key);
    if (runtime !== undefined) return runtime.apply(value, source.offset, source.timestampMs);
    const model = deps.directory().get(value.model);
    if (model === undefined)
      return { kind: 'poison', reason: 'unknown-model', detail: `model ${value.model} does not exist` };
    if (value.shard !== 0) {
      return {
        kind: 'poison',
        reason: 'invalid',
        detail: `shard ${String(value.shard)}, allowed 0 … ${String(model.spec.shards - 1)}`,
      };
    }
    return { kind: 'skipped', reason: stopped.has(key) ? 'shard-stopped' : 'no-version' };
  }

  return {
    stopped: () => stopped,
    view: (model) =>
      [...shards.values()]
        .filter(({ deps: shard }) => shard.model.spec.name === model)
        .map((runtime) => runtime.view()),
    reconcile: () => betweenBatches(reconcileAll), // settle and the next tick do it otherwise

    async takeOver(assigned) {
      await untilAlone();
      isInBatch = false;
      const partitions = new Set(assigned.map(({ partition }) => partition));
      for (const [key, { deps: shard }] of shards)
        if (!partitions.has(shard.partition)) drop(key, 'its partition is someone else’s');
      cursors.clear();
      stopped.clear();
      const ranges = await ports.logRanges();
      const positions = new Map<string, number>();
      for (const partition of partitions) {
        for (const key of keysOf(partition)) await ensureShard(key, partition);
        const end = ranges.get(partition)?.end ?? 0;
        const position = Math.min(end, ...ours(partition).map(([, runtime]) => runtime.learner.position));
        cursors.set(partition, position);
        positions.set(`${TOPIC}/${String(partition)}`, position);
      }
      for (const partition of partitions) await reconcilePartition(partition);
      for (const partition of partitions) {
        positions.set(`${TOPIC}/${String(partition)}`, cursors.get(partition) ?? 0);
      }
      return positions;
    },

    async handle(batch) {
      await untilAlone();
      isInBatch = true;
      const outcomes = batch.records.map((_record, index) => decide(batch, index));
      const last = batch.records.at(-1)?.source;
      for (const [, runtime] of ours(batch.partition)) {
        runtime.skipTo(batch.nextOffset);
        if (last?.value != null) {
          runtime.learner.lastRecordDigest = `${String(last.offset)}:${ports.recordDigest(last.value)}`;
        }
        runtime.publishDue();
      }
      return outcomes;
    },

    async settle(batch) {
      const nowMs = ports.monotonicMs();
      for (const [key, runtime] of ours(batch.partition)) {
        if (nowMs - runtime.savedAtMs >= deps.checkpointIntervalMs) await saveShard(key, runtime);
      }
      cursors.set(batch.partition, batch.nextOffset);
      await reconcilePartition(batch.partition);
      isInBatch = false;
      const saved = ours(batch.partition).map(([, runtime]) => runtime.savedPosition);
      return Math.min(batch.nextOffset, ...saved);
    },

    skipTo({ partition }, nextOffset) {
      cursors.set(partition, nextOffset);
      for (const [, runtime] of ours(partition)) runtime.skipTo(nextOffset);
    },

    tick: () =>
      betweenBatches(async () => {
        await reconcileAll();
        const nowMs = ports.monotonicMs();
        for (const [key, runtime] of [...shards]) {
          const isDue = nowMs - runtime.savedAtMs >= deps.checkpointIntervalMs;
          if (runtime.isUnsaved && isDue) await saveShard(key, runtime);
          runtime.observeVersions();
        }
      }),

    async stop() {
      for (const [key, runtime] of shards) {
        runtime.stop();
        if (!runtime.isUnsaved || isInBatch) continue; // what a batch emitted may not be acknowledged yet
        await saveShard(key, runtime).catch((error: unknown) => {
          ports.log.warn(
            { shard: key, reason: messageOf(error) },
            'last checkpoint not written; the replay makes it good',
          );
        });
      }
    },
  };
}
