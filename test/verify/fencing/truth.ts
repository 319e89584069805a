import { RecordApplier } from '../../../services/online-learner/domain/apply-record.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import type { LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import type { TopicName, TopicRecords } from '../../../shared/events/topics.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { System } from '../../support/system.ts';

/** What the snapshots on Kafka are, held against the log. */
export interface SnapshotTruth {
  readonly snapshots: number;
  /** Sent by a learner that somebody had already replaced, and on Kafka behind a snapshot of its successor. */
  readonly late: number;
  /** Snapshots whose parameters are not those of the log's prefix that they name. */
  readonly wrong: number;
}

/** A record with its place. */
interface Placed<T> {
  readonly value: T;
  readonly offset: number;
  readonly timestampMs: number;
}

async function recordsOf<Topic extends TopicName>(
  system: System,
  topic: Topic,
  isWanted: (value: TopicRecords[Topic]) => boolean,
): Promise<Placed<TopicRecords[Topic]>[]> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare([topic]);
  const found: Placed<TopicRecords[Topic]>[] = [];
  const follower = await followTopic({
    topic,
    kafka: system.kafka,
    codec,
    onRecord: ({ value, source: { offset, timestampMs } }) => {
      if (value !== null && isWanted(value)) found.push({ value, offset, timestampMs });
    },
    onFatal: (error) => {
      throw error;
    },
  });
  await follower.caughtUp;
  await follower.stop();
  return found;
}

function floatsOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(Uint8Array.from(bytes).buffer);
}

/** Returns whether a snapshot's parameters are the learner's, bit for bit. */
function isTrue(snapshot: Snapshot, learner: ShardLearner): boolean {
  const { weights, means, invStds } = learner.learner(snapshot.version).parameters();
  const carried = floatsOf(snapshot.weights);
  const indices =
    snapshot.indices === null ? undefined : new Uint32Array(Uint8Array.from(snapshot.indices).buffer);
  const isSameWeight = (weight: number, at: number): boolean =>
    Object.is(weight, weights[indices?.[at] ?? at]);
  return (
    carried.every(isSameWeight) &&
    Buffer.from(snapshot.means).equals(Buffer.from(means.buffer, means.byteOffset, means.byteLength)) &&
    Buffer.from(snapshot.invStds).equals(Buffer.from(invStds.buffer, invStds.byteOffset, invStds.byteLength))
  );
}

/**
 * Learns a model of one cold version again from the log and holds every snapshot ever sent against it. Snapshots of one chunk
 * each are expected.
 */
export async function snapshotTruth(system: System, model: string): Promise<SnapshotTruth> {
  const { body } = await system.http.send('GET', `${system.url('registry')}/v1/models/${model}`);
  const { spec, versions } = body as {
    spec: ModelSpec;
    versions: { learner: LearnerConfig; bornPosition: number }[];
  };
  const [version] = versions;
  if (version === undefined) throw new TypeError(`model ${model} has no version`);
  const snapshots = await recordsOf(system, 'snapshots.v1', (value) => value.model === model);
  const log = await recordsOf(system, 'training-events.v1', (value) => value.model === model);
  const byPosition = [...snapshots].sort((a, b) => a.value.position - b.value.position);
  const learner = new ShardLearner(spec);
  learner.position = version.bornPosition;
  learner.birth(1, version.learner, { mode: 'cold' });
  const applier = new RecordApplier(learner, spec);
  let wrong = 0;
  const holdUpTo = (position: number): void => {
    for (let next = byPosition[0]; next !== undefined && next.value.position <= position;) {
      if (!isTrue(next.value, learner)) wrong += 1;
      byPosition.shift();
      [next] = byPosition;
    }
  };
  for (const { value, offset, timestampMs } of log) {
    holdUpTo(offset);
    applier.apply(value, { offset, timestampMs });
  }
  holdUpTo(Infinity);
  let newest = 0;
  let late = 0;
  for (const { value } of [...snapshots].sort((a, b) => a.offset - b.offset)) {
    if (value.incarnation < newest) late += 1;
    newest = Math.max(newest, value.incarnation);
  }
  return { snapshots: snapshots.length, late, wrong };
}
