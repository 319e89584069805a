import type { MonitorPorts, RecordBatch, ShardCheckpoint } from '../../../services/monitor/ports.ts';
import { createMonitor } from '../../../services/monitor/service.ts';
import type { Monitor } from '../../../services/monitor/service.ts';
import type { MonitoredTopic, Positions } from '../../../services/monitor/domain/shard-monitor.ts';
import type { ModelDirectory, ModelState } from '../../../shared/domain/model-directory.ts';
import type { Prediction, Predictions, TrainingEvents, Verdict } from '../../../shared/domain/events.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState } from '../../../shared/domain/rollout.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createWorld } from '../../verify/verdicts/synthetic-world.ts';
import type { Candidate } from '../../verify/verdicts/synthetic-world.ts';

/** Model of the tests, and the plan with which its rollout begins. */
export const MODEL = 'clicks';
export const PLAN = 12;

const WINDOW_MS = 2000;
const STEP_MS = 100;

/** Rollout of version 2 in shadow. */
export const ROLLOUT: RolloutState = {
  rolloutId: 'clicks/2/1',
  candidate: 2,
  stable: 1,
  baseline: 1,
  attempt: 1,
  phase: 'shadow',
  step: -1,
  stage: 1,
  pausedBecause: null,
  startedAtMs: 0,
  stageBeganAtMs: 0,
  appliedAtMs: 0,
  startPlanVersion: PLAN,
  stagePlanVersion: PLAN,
  startPosition: 0,
  stagePosition: 0,
  extendedMs: 0,
};

/** Returns what the log says of the model, before its rollout or with it. */
export function directoryWith(rollout: RolloutState | null): ModelDirectory {
  const learner = { kind: 'ftrl-logistic', tableBits: 8, alpha: 0.1, beta: 1, l1: 0, l2: 0 } as const;
  const version = (number: number): ModelState['versions'][number] => ({
    version: number,
    parent: null,
    mode: number === 2 ? 'copy' : 'cold',
    learner,
    life: 'live',
    isApproved: true,
    startPosition: 0,
    bornPosition: 0,
    resumeSequence: 0,
    registeredAtMs: 0,
  });
  const planVersion = rollout === null ? 3 : rollout.stagePlanVersion;
  const state: ModelState = {
    spec: {
      name: MODEL,
      task: 'binary-classification',
      shards: 1,
      features: [],
      crosses: [],
      label: { windowMs: WINDOW_MS, onWindowEnd: 'default', defaultLabel: 0 },
      learner,
      snapshots: { minIntervalMs: 0 },
      predictionLog: 'async',
      rollout: DEFAULT_ROLLOUT_POLICY,
    },
    createdAtMs: 0,
    versions: [version(1), version(2)],
    plan: {
      model: MODEL,
      planVersion,
      stable: 1,
      candidate: null,
      candidateWeightBp: 0,
      shadows: [2],
      salt: 's',
    },
    milestoneSequence: 0,
    repositioned: null,
    rollout,
    queued: [],
  };
  return new Map([[MODEL, state]]);
}

/** Records of the two topics that carry predictions, in offset order. */
export interface Logs {
  readonly 'predictions.v1': readonly Predictions[];
  readonly 'training-events.v1': readonly TrainingEvents[];
}

/** Returns seeded logs of a rollout; every record holds ten predictions. */
export function rolloutLogs(count: number, seed: number, candidate: Candidate = {}): Logs {
  const world = createWorld(seed, { candidate });
  const predictions: Predictions[] = [];
  const training: TrainingEvents[] = [];
  for (let from = 0; from < count; from += 10) {
    const items = Array.from({ length: 10 }, (_, index) => {
      const at = from + index;
      const request = world(at);
      const prediction: Prediction = {
        id: `0~${String(at)}`,
        predictedAtMs: at * STEP_MS,
        subject: request.subject,
        features: [],
        planVersion: PLAN,
        assignedArm: 'stable',
        servedVersion: 1,
        assignmentProbability: 1,
        position: 0,
        learnedToMs: null,
        stalenessMs: 1,
        latencyMicros: 100,
        scores: [
          {
            version: 1,
            score: request.baseline,
            scoringMicros: 90 + (index % 2),
            failed: request.baseline === null,
          },
          {
            version: 2,
            score: request.candidate ?? null,
            scoringMicros: 95,
            failed: request.candidate === null,
          },
        ],
      };
      return { prediction, label: request.label };
    });
    const record = { model: MODEL, shard: 0, featureNames: [] };
    predictions.push({ ...record, router: 'r', predictions: items.map(({ prediction }) => prediction) });
    const events = items.map(({ prediction, label }) => ({
      id: prediction.id,
      eventTimeMs: prediction.predictedAtMs,
      subject: prediction.subject,
      features: [],
      label,
      weight: 1,
      labelSource: 'label',
      served: { ...prediction, predictionId: prediction.id, labelledAtMs: prediction.predictedAtMs },
    }));
    training.push({ ...record, watermarkMs: from * STEP_MS, events });
  }
  return { 'predictions.v1': predictions, 'training-events.v1': training };
}

interface Stored {
  readonly position: string;
  readonly meta: unknown;
  readonly sections: ReadonlyMap<string, Uint8Array>;
}

/** A checkpoint store in memory. */
export interface MemoryStore {
  stored: Stored | undefined;
}

function memoryCheckpoint(store: MemoryStore): ShardCheckpoint {
  return {
    takeOver: () =>
      Promise.resolve(store.stored && { ...store.stored, isFallback: false, damage: undefined }),
    epoch: () => 1,
    isOwned: () => Promise.resolve(true),
    save(take) {
      const { position, meta, sections } = take();
      const copies = new Map(sections.map((one) => [one.name, Uint8Array.from(one.bytes())]));
      store.stored = { position, meta: structuredClone(meta), sections: copies };
      return Promise.resolve('saved');
    },
    lastCost: () => ({ busyMs: 0, writtenBytes: 0 }),
  };
}

/** A monitor over logs in memory. */
export interface MonitorWorld {
  readonly monitor: Monitor;
  /** Every verdict published so far. */
  readonly verdicts: Verdict[];
  /** How often the version log was read to its end because a record asked for it. */
  readonly reads: () => number;
  /** Delivers the next record of a topic; returns false when there is none. */
  deliver(topic: keyof Logs): Promise<boolean>;
}

/** What a monitor is started with. */
export interface MonitorWorldOptions {
  readonly logs: Logs;
  readonly store?: MemoryStore;
  readonly nowMs?: () => number;
  /** What it knows of the versions; a call of `onRead` may change it. */
  readonly directory: () => ModelDirectory;
  readonly onRead?: () => void;
}

/** Starts a monitor; its positions come from the store. */
export async function startMonitorWorld(options: MonitorWorldOptions): Promise<MonitorWorld> {
  const { logs, store = { stored: undefined }, nowMs = () => 0, directory, onRead } = options;
  const verdicts: Verdict[] = [];
  let reads = 0;
  const lengthOf = (topic: MonitoredTopic): number => (topic === 'scores.v1' ? 0 : logs[topic].length);
  const ports: MonitorPorts = {
    log: silentLog,
    nowMs,
    monotonicMs: () => 0,
    openCheckpoint: () => memoryCheckpoint(store),
    logRanges: (topic) => Promise.resolve(new Map([[0, { start: 0, end: lengthOf(topic) }]])),
    digestAt: () => Promise.resolve('same'),
    recordDigest: () => 'same',
    readVersionsToEnd: () => {
      reads += 1;
      onRead?.();
      return Promise.resolve();
    },
    publish: () => Promise.resolve(),
    onVerdict: (verdict) => verdicts.push(verdict),
    onSaved: () => undefined,
    onStopped: () => undefined,
  };
  const monitor = createMonitor({ ports, partitions: 1, checkpointIntervalMs: 0, directory });
  const topics = ['training-events.v1', 'predictions.v1', 'scores.v1'] as const;
  const positions = await monitor.takeOver(topics.map((topic) => ({ topic, partition: 0 })));
  const cursors = new Map(topics.map((topic) => [topic, positions.get(`${topic}/0`) ?? 0] as const));
  return {
    monitor,
    verdicts,
    reads: () => reads,
    async deliver(topic) {
      const offset = cursors.get(topic) ?? 0;
      const value = logs[topic][offset];
      if (value === undefined) return false;
      const source = {
        topic,
        partition: 0,
        offset,
        key: null,
        value: Uint8Array.of(1),
        timestampMs: 1_790_000_000_000 + offset,
        traceparent: undefined,
      };
      const records = [{ topic, value, source }] as unknown as RecordBatch['records'];
      const batch = { topic, partition: 0, records, nextOffset: offset + 1, highWatermark: lengthOf(topic) };
      await monitor.handle(batch);
      await monitor.settle(batch);
      cursors.set(topic, offset + 1);
      return true;
    },
  };
}

/** Positions that a verdict was read to. */
export function positionsOf(verdict: Verdict): Positions {
  return (JSON.parse(verdict.evidence) as { positions: Positions }).positions;
}
