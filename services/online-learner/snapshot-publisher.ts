import { SNAPSHOT_KINDS } from '../../shared/domain/snapshot-kind.ts';
import type { Snapshot } from '../../shared/domain/events.ts';
import { messageOf } from '../../shared/errors.ts';
import { snapshotKey } from '../../shared/events/topics.ts';
import type { GoldenRows } from './domain/golden-rows.ts';
import { slotsOf, SnapshotChain } from './domain/snapshot-chain.ts';
import type { SnapshotLink } from './domain/snapshot-chain.ts';
import { publishPauseMs } from './domain/snapshot-policy.ts';
import type { ShardLearner } from './domain/shard-learner.ts';
import type { VersionLearner } from './domain/version-learner.ts';
import type { LearnerPorts, OutRecord } from './ports.ts';

/** Weights of one record, bytes; larger snapshots are sent in chunks. */
const CHUNK_BYTES = 4 * 1024 * 1024;

function chunkCountOf(weightBytes: number): number {
  return Math.max(1, Math.ceil(weightBytes / CHUNK_BYTES));
}

function weightBytesOf(records: readonly OutRecord[]): number {
  return records.reduce((sum, { value }) => sum + (value as Snapshot).weights.length, 0);
}

/** Returns the weights at some coordinates. */
function gather(weights: Float32Array, indices: Uint32Array): Float32Array {
  const gathered = new Float32Array(indices.length);
  for (let at = 0; at < indices.length; at += 1) gathered[at] = weights[indices[at] ?? 0] ?? 0;
  return gathered;
}

function copyOf(array: Float32Array | Float64Array): Buffer {
  return Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

/** Share of the newest publication in the smoothed cost. */
const COST_SMOOTHING = 0.05;

/** What a publisher publishes from. */
export interface PublisherDeps {
  readonly model: string;
  readonly shardKey: string;
  readonly shard: number;
  readonly partition: number;
  readonly minIntervalMs: number;
  readonly learner: ShardLearner;
  readonly golden: GoldenRows;
  /** Epoch of the owner: rises with every take-over, so that readers tell a restarted learner from an old one. */
  readonly incarnation: () => number;
  readonly learnedToMs: () => number | null;
  /** Whether every birth is durable: a version that a crash could still undo is not shown to anybody. */
  readonly mayPublish: () => boolean;
  readonly ports: LearnerPorts;
}

/** What is known of one version's publications. */
interface Published {
  readonly chain: SnapshotChain;
  examples: number;
  position: number;
  nextAtMs: number;
  /** What a publication costs, smoothed: the kernel counts CPU time in steps larger than one publication, ms. */
  costMs: number;
  isSending: boolean;
  /** Trace of the newest traced event that no snapshot of it has told yet. */
  traceparent: string | undefined;
}

/** Sends snapshots of a shard's versions as soon as they differ from what was sent. */
export interface SnapshotPublisher {
  /** Sends what is due, without waiting for the acknowledgement. Cheap when nothing is. */
  publishDue(): void;
  /** The next snapshot of every version contains an event with this W3C trace context: it says so, of the newest one. */
  noteTrace(traceparent: string): void;
  /** Sends tombstones for all that there may be of a version that is retired and had so many weights. */
  forget(version: number, weights: number): Promise<void>;
  stop(): void;
}

/** Returns the publisher of one shard. A failed write is repeated with the next state; readers only need the newest. */
export function createSnapshotPublisher(deps: PublisherDeps): SnapshotPublisher {
  const { ports, learner } = deps;
  const published = new Map<number, Published>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  function stateOf(version: number): Published {
    const known = published.get(version);
    if (known !== undefined) return known;
    const made = {
      chain: new SnapshotChain(learner.learner(version).parameters().weights.length),
      examples: -1,
      position: -1,
      nextAtMs: 0,
      costMs: 0,
      isSending: false,
      traceparent: undefined,
    };
    published.set(version, made);
    return made;
  }

  function recordsOf(
    version: VersionLearner,
    { kind, basePosition, indices, slot }: SnapshotLink,
    traceparent: string | undefined,
  ): OutRecord[] {
    const { identity } = version;
    const { weights, means, invStds } = version.parameters();
    const carried = indices === null ? weights : gather(weights, indices);
    const indexBytes = indices === null ? null : Buffer.from(indices.buffer);
    const weightBytes = copyOf(carried);
    const meanBytes = copyOf(means);
    const invStdBytes = copyOf(invStds);
    const rows = deps.golden.rows();
    const chunkCount = chunkCountOf(weightBytes.length);
    return Array.from({ length: chunkCount }, (_, chunkIndex) => {
      const part = weightBytes.subarray(chunkIndex * CHUNK_BYTES, (chunkIndex + 1) * CHUNK_BYTES);
      const value: Snapshot = {
        model: deps.model,
        shard: deps.shard,
        version: identity.version,
        kind,
        incarnation: deps.incarnation(),
        position: learner.position,
        basePosition,
        learnedToMs: deps.learnedToMs(),
        publishedAtMs: ports.nowMs(),
        bornPosition: identity.born.position,
        bornMode: identity.born.mode,
        parent: identity.born.parent ?? null,
        learner: JSON.stringify(identity.config),
        graph: kind === 'full' ? Buffer.from(ports.graphOf(identity.config, version.encoder.width)) : null,
        indices: indexBytes,
        weights: part,
        means: meanBytes,
        invStds: invStdBytes,
        goldenRows: rows,
        goldenScores: rows.map((row) => version.predict(row)),
        metrics: JSON.stringify(version.metrics.summary()),
        digest: ports.sha256([...(indexBytes === null ? [] : [indexBytes]), part, meanBytes, invStdBytes]),
        chunkIndex,
        chunkCount,
      };
      const key = snapshotKey(deps.shardKey, identity.version, kind, slot + chunkIndex); // a step is one chunk
      const headers = traceparent === undefined ? {} : { headers: { traceparent } };
      return { topic: 'snapshots.v1', key, partition: deps.partition, value, ...headers };
    });
  }

  function publish(version: VersionLearner, state: Published): void {
    const [startMs, startCpuMs] = [ports.monotonicMs(), ports.threadCpuMs()];
    const links = state.chain.next(learner.position, version);
    const snapshots = links.map((link) => ({
      kind: link.kind,
      records: recordsOf(version, link, state.traceparent),
    }));
    const before = { ...state };
    state.traceparent = undefined;
    state.examples = version.examplesLearned;
    state.position = learner.position;
    state.isSending = true;
    const sent = ports.send(snapshots.flatMap(({ records }) => records));
    ports.onMoment('snapshot-sent');
    state.costMs += COST_SMOOTHING * (ports.threadCpuMs() - startCpuMs - state.costMs);
    state.nextAtMs = startMs + publishPauseMs(deps.minIntervalMs, state.costMs);
    sent
      .then(() => {
        ports.onMoment('snapshot-acknowledged');
        for (const { kind, records } of snapshots)
          ports.observe.snapshot(deps.model, kind, weightBytesOf(records));
      })
      .catch((error: unknown) => {
        ports.log.warn(
          { model: deps.model, version: version.identity.version, reason: messageOf(error) },
          'snapshot not sent',
        );
        state.examples = before.examples - 1; // makes it due again
        state.traceparent ??= before.traceparent;
        state.chain.break(); // nobody may have what it named: everything is sent again
        state.nextAtMs = ports.monotonicMs() + 1000;
      })
      .finally(() => {
        state.isSending = false;
        if (version.examplesLearned !== state.examples)
          schedule(Math.max(0, state.nextAtMs - ports.monotonicMs()));
      });
  }

  function schedule(delayMs: number): void {
    if (timer !== undefined || isStopped) return;
    timer = setTimeout(() => {
      timer = undefined;
      publishDue();
    }, delayMs);
  }

  function publishDue(): void {
    if (isStopped || !deps.mayPublish()) return;
    const nowMs = ports.monotonicMs();
    for (const { version } of learner.versions) {
      const state = stateOf(version);
      const one = learner.learner(version);
      if (state.isSending || state.examples === one.examplesLearned) continue;
      if (nowMs >= state.nextAtMs) publish(one, state);
      else schedule(state.nextAtMs - nowMs);
    }
  }

  return {
    publishDue,
    noteTrace(traceparent) {
      for (const { version } of learner.versions) stateOf(version).traceparent = traceparent;
    },
    async forget(version, weights) {
      published.delete(version);
      const chunkCount = chunkCountOf(weights * Float32Array.BYTES_PER_ELEMENT);
      await ports.send(
        SNAPSHOT_KINDS.flatMap((kind) =>
          Array.from({ length: Math.max(chunkCount, slotsOf(kind, weights)) }, (_, piece) => ({
            topic: 'snapshots.v1' as const,
            key: snapshotKey(deps.shardKey, version, kind, piece),
            partition: deps.partition,
            value: null,
          })),
        ),
      );
    },
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
