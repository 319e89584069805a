/**
 * Learns a model's state again from the log alone, in a process of its own, without checkpoint or interruption, and prints
 * one JSON line: {digest, position, events, uniqueIds, examplesLearned}. Usage: replay-state.ts MODEL POSITION
 */
import { digestOf } from '../../shared/checkpoint/manifest.ts';
import { loadConfig } from '../../shared/config/load-config.ts';
import { partitionOf } from '../../shared/domain/murmur2.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { rangeFault } from '../../shared/domain/position-fault.ts';
import { logRanges } from '../../shared/kafka/partition-count.ts';
import { followDirectory } from '../../shared/kafka/follow-directory.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { followTopic } from '../../shared/kafka/topic-follower.ts';
import { silentLog } from '../../shared/observability/log.ts';
import { stateDigest } from '../../services/online-learner/adapters/state-digest.ts';
import { onlineLearnerSettings } from '../../services/online-learner/config.ts';
import { shardStart } from '../../services/online-learner/domain/due-births.ts';
import { ShardLearner } from '../../services/online-learner/domain/shard-learner.ts';
import { NOTHING_BESIDE } from '../../services/online-learner/domain/kept-beside.ts';
import { ShardRuntime } from '../../services/online-learner/shard-runtime.ts';
import { replayPorts } from './replay-ports.ts';

const TOPIC = 'training-events.v1';
const [model = '', positionText = ''] = process.argv.slice(2);
const position = Number(positionText);
const onFatal = (error: unknown): never => {
  throw error;
};

const settings = loadConfig(onlineLearnerSettings, {
  ...process.env,
  INSTANCE_ID: `replay-${String(process.pid)}`,
});
const stopping = new AbortController();
const { kafka, codec, producer, partitions } = await openTopics({
  service: 'replay',
  settings,
  topics: [TOPIC, 'model-versions.v1'],
  log: silentLog,
  nowMs: Date.now,
  signal: stopping.signal,
});
const follower = await followDirectory({ kafka, codec, onFatal });
await follower.caughtUp;
const state = follower.directory().get(model);
if (state === undefined) throw new RangeError(`model ${model} does not exist`);
const start = shardStart(state);
if (start.kind !== 'start') throw new RangeError(`model ${model} cannot be replayed: ${start.kind}`);

const key = shardKey(model, 0);
const partition = partitionOf(key, partitions);
const range = (await logRanges(kafka, TOPIC)).get(partition) ?? { start: 0, end: 0 };
const fault = rangeFault(TOPIC, start.position, range);
if (fault !== undefined) throw new RangeError(`model ${model} cannot be replayed: ${fault}`);
const learner = new ShardLearner(state.spec);
learner.position = start.position;
const runtime = new ShardRuntime({
  model: state,
  place: { model, shard: 0, shardKey: key, partition },
  learner,
  beside: NOTHING_BESIDE,
  checkpoint: replayPorts.checkpoint,
  savedPosition: -1,
  settings: { checkpointIntervalMs: Infinity, milestoneEvents: Infinity, versionBudgetMicros: Infinity },
  ports: replayPorts.learner,
});
runtime.reconcile();
const ids = new Set<string>();
let events = 0;
const records = await followTopic({
  topic: TOPIC,
  kafka,
  codec,
  onFatal,
  onRecord: ({ source, value }) => {
    if (source.partition !== partition || source.offset >= position || value === null) return;
    learner.lastRecordDigest = `${String(source.offset)}:${digestOf(source.value ?? new Uint8Array())}`;
    if (value.model !== model || value.shard !== 0) return;
    runtime.apply([{ value, source }], { from: 0, to: 1 }, []);
    runtime.takeScores(); // nobody reads them here
    events += value.events.length;
    for (const { id } of value.events) ids.add(id);
  },
});
await records.reached(partition, position);
runtime.skipTo(position);
runtime.reconcile();
const view = runtime.view();
console.log(
  JSON.stringify({
    digest: stateDigest(learner.sections()),
    position: view.position,
    events,
    uniqueIds: ids.size,
    examplesLearned: Object.fromEntries(
      view.versions.map(({ version, examplesLearned }) => [version, examplesLearned]),
    ),
  }),
);
runtime.stop();
await records.stop();
await follower.stop();
await producer.close();
