import { parseShardKey, shardKey } from '../../shared/domain/shard.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import type { TrainingEvents } from '../../shared/domain/events.ts';
import { learningVersions } from '../../shared/domain/model-directory.ts';
import type { ModelState } from '../../shared/domain/model-directory.ts';
import { encodeLastRecord } from '../../shared/domain/position-fault.ts';
import { messageOf } from '../../shared/errors.ts';
import type { Learner, LearnerDeps } from './learner-deps.ts';
import { openShard } from './open-shard.ts';
import type { OutRecord, Outcome, RecordBatch, TypedRecord } from './ports.ts';
import { createPastLearners } from './past-learners.ts';
import { createStoppedShards } from './stopped-shards.ts';
import type { ShardRuntime } from './shard-runtime.ts';

const TOPIC = 'training-events.v1';

/** Lets the last record that was handled emit what all of them led to. */
function emitWithLast(outcomes: Outcome<OutRecord>[], records: readonly OutRecord[]): void {
  const at = outcomes.findLastIndex(({ kind }) => kind === 'handled');
  const last = outcomes[at];
  if (last?.kind === 'handled') outcomes[at] = { ...last, emit: [...last.emit, ...records] };
}

/**
 * Returns the learner: it owns the shards of its partitions, applies every record once in order, and stores a state only when
 * everything it emitted is acknowledged. Batches go from `handle` to `settle`; reconciliation happens when no batch of any
 * partition is on its way.
 */
export function createLearner(deps: LearnerDeps): Learner {
  const { ports, settings } = deps;
  const shards = new Map<string, ShardRuntime>();
  const stopped = createStoppedShards(ports);
  /** Next offset the loop wants of each partition that is ours. */
  const cursors = new Map<number, number>();
  /** Partitions with batches whose emissions may not be acknowledged yet. */
  const onTheWay = new Set<number>();
  const past = createPastLearners(ports);
  let isReconcileWanted = false;
  let hasApplied = false;
  let background: Promise<void> | undefined;

  const isBusy = (): boolean => onTheWay.size > 0 || background !== undefined;
  const modelOf = (key: string): ModelState | undefined =>
    deps.directory().get(parseShardKey(key)?.model ?? '');

  function keysOf(partition: number): string[] {
    return [...deps.directory().keys()]
      .map((model) => shardKey(model, 0))
      .filter((key) => partitionOf(key, deps.partitions) === partition);
  }

  function letGo(key: string): void {
    shards.get(key)?.stop();
    shards.delete(key);
    past.stop(key);
  }

  function drop(key: string, why: string): void {
    letGo(key);
    ports.log.warn({ shard: key, why }, 'shard dropped');
  }

  async function saveShard(key: string, runtime: ShardRuntime): Promise<void> {
    const hadChanges = runtime.hasUnsavedChanges;
    if ((await runtime.saver.save()) === 'fenced') drop(key, 'another learner has taken it over');
    else if (hadChanges) ports.onMoment('birth-saved');
  }

  /** Saves what must be or is due to be saved; only what must be is waited for. */
  async function saveDue(key: string, runtime: ShardRuntime): Promise<void> {
    const { saver } = runtime;
    if (saver.isFenced) drop(key, 'another learner has taken it over');
    else if (saver.hasFailed || runtime.hasUnsavedChanges) await saveShard(key, runtime);
    else if (runtime.isUnsaved && saver.isDue()) saver.begin();
  }

  /** Takes a shard over unless we still own it. A shard that cannot be trusted is stopped, alone. */
  async function ensureShard(key: string, partition: number): Promise<ShardRuntime | undefined> {
    const known = shards.get(key);
    if (known !== undefined) {
      if (await known.deps.checkpoint.isOwned()) return known;
      drop(key, 'its epoch was raised');
    }
    const model = modelOf(key);
    if (model === undefined || learningVersions(model).length === 0) return undefined;
    const place = { model: model.spec.name, shard: 0, shardKey: key, partition };
    const opened = await openShard({ model, place, settings, ports });
    if (typeof opened === 'string') {
      letGo(key);
      stopped.stop(key, model, opened);
      return undefined;
    }
    stopped.forget(key, model);
    shards.set(key, opened);
    return opened;
  }

  async function reconcileShard(key: string, partition: number): Promise<void> {
    if (stopped.keeps(key, modelOf(key))) return;
    const wasOpen = shards.has(key);
    const runtime = wasOpen ? shards.get(key) : await ensureShard(key, partition);
    if (runtime === undefined) return;
    const model = modelOf(key);
    if (model !== undefined) runtime.update(model);
    runtime.reconcile();
    await past.reconcile(runtime);
    if (runtime.hasUnsavedChanges || !wasOpen) await saveShard(key, runtime);
    runtime.keepDueMilestones();
    runtime.publishDue();
    const cursor = cursors.get(partition);
    if (!wasOpen && cursor !== undefined && runtime.learner.position < cursor) {
      cursors.set(partition, runtime.learner.position);
      deps.seek({ topic: TOPIC, partition }, runtime.learner.position);
    }
  }

  /** Opens shards of a partition that are not open, gives life to due versions, and saves births before they learn. */
  async function reconcilePartition(partition: number): Promise<void> {
    for (const key of keysOf(partition)) await reconcileShard(key, partition);
  }

  /** Does something between two batches; what is asked for meanwhile waits, and so does the next batch. */
  async function betweenBatches(work: () => Promise<void>): Promise<void> {
    if (isBusy()) {
      isReconcileWanted = true;
      return;
    }
    await inBackground(work);
  }

  /** Does something that must not meet its like: a version let in by both of two at once would be born twice. */
  async function inBackground(work: () => Promise<void>): Promise<void> {
    await untilAlone();
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
    isReconcileWanted = false;
    for (const partition of cursors.keys()) await reconcilePartition(partition);
  }

  function ours(partition: number): [string, ShardRuntime][] {
    return [...shards].filter(([, { deps: shard }]) => shard.place.partition === partition);
  }

  /** Decides about the records of a batch in order. Those of one shard that follow each other are applied together. */
  function decideAll({ topic, records }: RecordBatch): Outcome<OutRecord>[] {
    if (topic !== TOPIC) return records.map(() => ({ kind: 'skipped', reason: 'foreign-topic' }));
    const events = records as readonly (TypedRecord & { topic: typeof TOPIC })[];
    const outcomes: Outcome<OutRecord>[] = [];
    for (let from = 0; from < events.length;) {
      const first = events[from]?.value;
      if (first === undefined) break;
      const runtime = shards.get(shardKey(first.model, first.shard));
      let to = from;
      for (; to < events.length; to++) {
        const { value, source } = events[to] ?? {};
        if (value?.model !== first.model || value.shard !== first.shard) break;
        if (source?.traceparent !== undefined) runtime?.noteTrace(source.traceparent);
        if (runtime === undefined) outcomes.push(refuse(value));
      }
      runtime?.apply(events, { from, to }, outcomes);
      from = to;
    }
    return outcomes;
  }

  /** Returns what becomes of a record whose shard does not learn here. */
  function refuse(value: TrainingEvents): Outcome<OutRecord> {
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
    const isStopped = stopped.reasons.has(shardKey(value.model, value.shard));
    return { kind: 'skipped', reason: isStopped ? 'shard-stopped' : 'no-version' };
  }

  return {
    stopped: () => stopped.reasons,
    view: (model) =>
      [...shards.values()]
        .filter(({ deps: shard }) => shard.place.model === model)
        .map((runtime) => runtime.view()),
    reconcile: () => betweenBatches(reconcileAll), // settle and the next tick do it otherwise

    async takeOver(assigned) {
      await untilAlone();
      onTheWay.clear();
      const partitions = new Set(assigned.map(({ partition }) => partition));
      for (const [key, { deps: shard }] of shards)
        if (!partitions.has(shard.place.partition)) drop(key, 'its partition is someone else’s');
      cursors.clear();
      stopped.forgetAll();
      const ranges = await ports.logRanges();
      const positions = new Map<string, number>();
      for (const partition of partitions) {
        for (const key of keysOf(partition)) await ensureShard(key, partition);
        const end = ranges.get(partition)?.end ?? 0;
        const position = Math.min(end, ...ours(partition).map(([, runtime]) => runtime.learner.position));
        cursors.set(partition, position);
        positions.set(`${TOPIC}/${String(partition)}`, position);
      }
      await reconcileAll();
      for (const partition of partitions) {
        positions.set(`${TOPIC}/${String(partition)}`, cursors.get(partition) ?? 0);
      }
      return positions;
    },

    async handle(batch) {
      await untilAlone();
      const beganMs = ports.monotonicMs();
      onTheWay.add(batch.partition);
      const outcomes = decideAll(batch);
      emitWithLast(
        outcomes,
        ours(batch.partition).flatMap(([, runtime]) => runtime.takeScores()),
      );
      if (!hasApplied && outcomes.some(({ kind }) => kind === 'handled')) {
        hasApplied = true;
        const sinceStartMs = ports.monotonicMs();
        const sinceProgramMs = sinceStartMs - deps.programBeganMs;
        ports.log.info({ beganMs, sinceProgramMs, sinceStartMs }, 'first record applied');
      }
      const last = batch.records.at(-1)?.source;
      for (const [, runtime] of ours(batch.partition)) {
        runtime.skipTo(batch.nextOffset);
        if (last?.value != null) {
          const { offset, value } = last;
          runtime.learner.lastRecordDigest = encodeLastRecord({ offset, digest: ports.recordDigest(value) });
        }
        runtime.publishDue();
      }
      return outcomes;
    },

    mustSettle: (batch) =>
      isReconcileWanted ||
      ours(batch.partition).some(
        ([key, runtime]) =>
          runtime.hasUnsavedChanges ||
          runtime.saver.isFenced ||
          runtime.saver.hasFailed ||
          runtime.saver.isDue() ||
          past.isClose(key),
      ),

    async settle(batch) {
      for (const [key, runtime] of ours(batch.partition)) await saveDue(key, runtime);
      cursors.set(batch.partition, batch.nextOffset);
      onTheWay.delete(batch.partition);
      const isAll = onTheWay.size === 0 && isReconcileWanted;
      await inBackground(isAll ? reconcileAll : () => reconcilePartition(batch.partition));
      const saved = ours(batch.partition).map(([, runtime]) => runtime.savedPosition);
      return Math.min(batch.nextOffset, ...saved);
    },

    skipTo({ partition }, nextOffset) {
      cursors.set(partition, nextOffset);
      for (const [, runtime] of ours(partition)) runtime.skipTo(nextOffset);
    },

    tick() {
      for (const runtime of shards.values()) runtime.observeVersions();
      return betweenBatches(async () => {
        await reconcileAll();
        for (const [key, runtime] of [...shards]) await saveDue(key, runtime);
      });
    },

    async stop() {
      for (const [key, runtime] of shards) {
        runtime.stop();
        past.stop(key);
        if (!runtime.isUnsaved || onTheWay.size > 0) continue; // what a batch emitted may not be acknowledged yet
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
