import { ShardSaver } from '../../shared/checkpoint/shard-saver.ts';
import type { Verdict } from '../../shared/domain/events.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { encodeLastRecord } from '../../shared/domain/position-fault.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { parseShardKey, shardKey } from '../../shared/domain/shard.ts';
import { needsVersions } from './domain/needs-versions.ts';
import { reportOf } from './domain/report.ts';
import type { Report } from './domain/report.ts';
import { describeRollout } from './domain/rollout-description.ts';
import { MONITORED_TOPICS } from './domain/shard-monitor.ts';
import type { MonitoredTopic, Positions, ShardMonitor } from './domain/shard-monitor.ts';
import { openShard } from './open-shard.ts';
import type { LastRecords } from './open-shard.ts';
import type {
  MonitorPorts,
  Outcome,
  OutRecord,
  PartitionHandler,
  RecordBatch,
  ShardCheckpoint,
  TypedRecord,
} from './ports.ts';
import { createVerdictDesk } from './verdict-desk.ts';

/** What the monitor needs. */
export interface MonitorDeps {
  readonly ports: MonitorPorts;
  readonly partitions: number;
  readonly checkpointIntervalMs: number;
  readonly directory: () => ModelDirectory;
}

/** The monitor as the consumer loop, the timers and HTTP see it. */
export interface Monitor extends PartitionHandler {
  /** Returns the report of a model whose shard is here; undefined when it is not. */
  report(model: string): Promise<Report | undefined>;
  /** Returns every shard that is here with how far it is behind: one look at the logs' ends for all. */
  measured(): Promise<ReadonlyMap<string, Measured>>;
  /** Returns the verdict as of now on a model's newest rollout; undefined when its shard is not here or it had none. */
  verdict(model: string): Verdict | undefined;
  /** Saves what is due and says what is due although no batch comes. */
  tick(): Promise<void>;
  stop(): Promise<void>;
  readonly stopped: () => ReadonlyMap<string, string>;
}

/** The shard of a model as it is now, and its lag. */
export interface Measured {
  readonly monitor: ShardMonitor;
  readonly lag: Positions;
}

interface Shard {
  readonly partition: number;
  readonly monitor: ShardMonitor;
  readonly checkpoint: ShardCheckpoint;
  readonly saver: ShardSaver;
  /** Last record read of each topic. */
  readonly lastRecords: LastRecords;
}

type LogEnds = ReadonlyMap<number, { readonly end: number }>;

function lagOf({ partition, monitor }: Shard, ends: readonly LogEnds[]): Positions {
  const lag = MONITORED_TOPICS.map((topic, at) => {
    const end = ends[at]?.get(partition)?.end ?? 0;
    return [topic, Math.max(0, end - monitor.positions[topic])];
  });
  return Object.fromEntries(lag) as Positions;
}

function isMonitored(record: TypedRecord): record is TypedRecord & { topic: MonitoredTopic } {
  return MONITORED_TOPICS.some((topic) => topic === record.topic);
}

/**
 * Returns the monitor: it measures every record of its partitions once. Its state is stored with the positions of all three
 * topics by the learner's checkpoint protocol, so a kill neither loses nor doubles a measurement.
 */
export function createMonitor({ ports, partitions, checkpointIntervalMs, directory }: MonitorDeps): Monitor {
  const shards = new Map<string, Shard>();
  const stopped = new Map<string, string>();
  let isInBatch = false;
  const desk = createVerdictDesk(ports.nowMs);

  const tokenOf = ({ monitor }: Pick<Shard, 'monitor'>): string => JSON.stringify(monitor.positions);

  async function open(key: string, partition: number): Promise<Shard | string> {
    const opened = await openShard(ports, key, partition);
    if (typeof opened === 'string') return opened;
    const { monitor, checkpoint, savedPosition } = opened;
    const lastRecords = { ...opened.lastRecords };
    const saver = new ShardSaver({
      checkpoint,
      monotonicMs: ports.monotonicMs,
      intervalMs: checkpointIntervalMs,
      savedPosition,
      picture: () => ({
        position: tokenOf({ monitor }),
        changes: 0,
        meta: { lastRecords: { ...lastRecords } },
        sections: monitor.sections(),
      }),
      onSaved: (cost, seconds) => {
        ports.onSaved(parseShardKey(key)?.model ?? key, cost, seconds);
      },
    });
    return { partition, monitor, checkpoint, saver, lastRecords };
  }

  async function ensure(key: string, partition: number): Promise<Shard | undefined> {
    const known = shards.get(key);
    if (known !== undefined && (await known.checkpoint.isOwned())) return known;
    shards.delete(key);
    if (stopped.has(key)) return undefined;
    const opened = await open(key, partition);
    const model = parseShardKey(key)?.model ?? key;
    ports.onStopped(model, typeof opened === 'string');
    if (typeof opened === 'string') {
      stopped.set(key, opened);
      ports.log.error({ shard: key, reason: opened }, 'shard stopped: its state or log cannot be trusted');
      return undefined;
    }
    shards.set(key, opened);
    return opened;
  }

  function drop(key: string): void {
    shards.delete(key);
    ports.log.warn({ shard: key }, 'shard dropped: another monitor has taken it over');
  }

  const isUnsaved = (shard: Shard): boolean => tokenOf(shard) !== shard.saver.savedPosition;

  /** Begins to save what is due; waits for it only when the last save failed, so that a lost Redis is noticed. */
  async function saveDue(key: string, shard: Shard): Promise<void> {
    const { saver } = shard;
    if (saver.isFenced) drop(key);
    else if (saver.hasFailed) {
      if ((await saver.save()) === 'fenced') drop(key);
    } else if (isUnsaved(shard) && saver.isDue()) saver.begin();
  }

  const ours = (partition: number): [string, Shard][] =>
    [...shards].filter(([, shard]) => shard.partition === partition);

  function take(record: TypedRecord): Outcome<OutRecord> {
    if (!isMonitored(record)) return { kind: 'skipped', reason: 'foreign-topic' };
    const { topic, value, source } = record;
    const shard = shards.get(shardKey(value.model, value.shard));
    if (shard === undefined) return { kind: 'skipped', reason: 'unknown-model' }; // the learner makes the dead letter
    const { monitor } = shard;
    if (source.offset < monitor.positions[topic]) return { kind: 'skipped', reason: 'already-measured' };
    if (topic === 'scores.v1') monitor.takeScores(value, source.timestampMs);
    else if (topic === 'predictions.v1') monitor.takePredictions(value, source.timestampMs);
    else monitor.takeTrainingEvents(value, source.offset, source.timestampMs);
    monitor.positions[topic] = source.offset + 1;
    return { kind: 'handled', emit: [] };
  }

  /** Begins the evidence of a rollout that the log tells of. */
  function followRollout(key: string, { monitor }: Shard): void {
    const model = directory().get(parseShardKey(key)?.model ?? '');
    if (model?.rollout != null) monitor.followRollout(describeRollout(model, model.rollout));
  }

  /** Returns the verdicts that are due of some shards, as records. */
  function dueVerdicts(of: Iterable<[string, Shard]>): OutRecord[] {
    const records: OutRecord[] = [];
    for (const [key, { monitor }] of of) {
      const model = parseShardKey(key)?.model ?? key;
      const verdict = desk.due(model, monitor, directory().get(model)?.rollout ?? null);
      if (verdict === undefined) continue;
      records.push({ topic: 'verdicts.v1', key: model, partition: 0, value: verdict });
      ports.onVerdict(verdict);
    }
    return records;
  }

  function moveTo(topic: MonitoredTopic, partition: number, nextOffset: number): void {
    for (const [, { monitor }] of ours(partition)) {
      monitor.positions[topic] = Math.max(monitor.positions[topic], nextOffset);
    }
  }

  const logEnds = (): Promise<LogEnds[]> =>
    Promise.all(MONITORED_TOPICS.map((topic) => ports.logRanges(topic)));

  return {
    stopped: () => stopped,

    async takeOver(assigned) {
      isInBatch = false;
      stopped.clear();
      const mine = new Set(assigned.map(({ partition }) => partition));
      for (const [key, { partition }] of shards) if (!mine.has(partition)) shards.delete(key);
      for (const model of directory().keys()) {
        const key = shardKey(model, 0);
        const partition = partitionOf(key, partitions);
        if (mine.has(partition)) await ensure(key, partition);
      }
      const positions = new Map<string, number>();
      for (const topic of MONITORED_TOPICS) {
        const ranges = await ports.logRanges(topic);
        for (const { partition } of assigned.filter((one) => one.topic === topic)) {
          const known = ours(partition).map(([, { monitor }]) => monitor.positions[topic]);
          positions.set(
            `${topic}/${String(partition)}`,
            known.length > 0 ? Math.min(...known) : (ranges.get(partition)?.start ?? 0),
          );
        }
      }
      return positions;
    },

    async handle(batch: RecordBatch) {
      isInBatch = true;
      if (batch.records.some((record) => isMonitored(record) && needsVersions(record.value, directory())))
        await ports.readVersionsToEnd();
      for (const { value } of batch.records) {
        if (!('shard' in value) || value.shard !== 0 || !directory().has(value.model)) continue;
        const key = shardKey(value.model, 0);
        if (!shards.has(key)) await ensure(key, batch.partition);
      }
      for (const [key, shard] of ours(batch.partition)) followRollout(key, shard);
      const outcomes = batch.records.map(take);
      const last = batch.records.at(-1)?.source;
      if (last?.value != null) {
        const lastRecord = encodeLastRecord({ offset: last.offset, digest: ports.recordDigest(last.value) });
        for (const [, shard] of ours(batch.partition))
          shard.lastRecords[batch.topic as MonitoredTopic] = lastRecord;
      }
      moveTo(batch.topic as MonitoredTopic, batch.partition, batch.nextOffset);
      const at = outcomes.findLastIndex(({ kind }) => kind === 'handled');
      if (at >= 0) outcomes[at] = { kind: 'handled', emit: dueVerdicts(ours(batch.partition)) };
      return outcomes;
    },

    mustSettle: (batch) =>
      ours(batch.partition).some(([, { saver }]) => saver.isFenced || saver.hasFailed || saver.isDue()),

    async settle(batch) {
      for (const [key, shard] of ours(batch.partition)) await saveDue(key, shard);
      isInBatch = false;
      const topic = batch.topic as MonitoredTopic;
      const saved = ours(batch.partition).map(([, { saver }]) =>
        saver.savedPosition === '' ? 0 : (JSON.parse(saver.savedPosition) as Positions)[topic],
      );
      return Math.min(batch.nextOffset, ...saved);
    },

    skipTo({ topic, partition }, nextOffset) {
      moveTo(topic as MonitoredTopic, partition, nextOffset);
    },

    async report(model) {
      const shard = shards.get(shardKey(model, 0));
      return shard && reportOf(model, shard.monitor, lagOf(shard, await logEnds()));
    },

    async measured() {
      const ends = shards.size === 0 ? [] : await logEnds();
      return new Map(
        [...shards].map(([key, shard]) => [
          parseShardKey(key)?.model ?? key,
          { monitor: shard.monitor, lag: lagOf(shard, ends) },
        ]),
      );
    },

    verdict(model) {
      const shard = shards.get(shardKey(model, 0));
      return shard && desk.now(model, shard.monitor, directory().get(model)?.rollout ?? null);
    },

    async tick() {
      for (const [key, shard] of [...shards]) {
        if (isInBatch) return;
        followRollout(key, shard);
        await saveDue(key, shard);
      }
      await ports.publish(dueVerdicts(shards));
    },

    async stop() {
      for (const shard of shards.values()) if (isUnsaved(shard) && !isInBatch) await shard.saver.save();
    },
  };
}
