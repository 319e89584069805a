import { createJoin } from '../../../services/ingest/join.ts';
import type { Join } from '../../../services/ingest/join.ts';
import type {
  JoinStore,
  JoinStores,
  Outcome,
  OutRecord,
  RecordBatch,
} from '../../../services/ingest/ports.ts';
import type { Label, Prediction, TrainingEvents } from '../../../shared/domain/events.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import type { LabelSpec, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { TypedRecord } from '../../../shared/kafka/record-batch.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMemoryJoinStores } from '../../contract/join/memory-join-store.ts';
import { WINDOW_MS } from '../../contract/join/join-items.ts';

/** Returns a model with three features. */
export function modelState(name: string, label: Partial<LabelSpec> = {}): ModelState {
  const spec: ModelSpec = {
    name,
    task: 'binary-classification',
    shards: 1,
    features: [
      { name: 'colour', type: 'categorical' },
      { name: 'size', type: 'numeric' },
      { name: 'isNew', type: 'boolean' },
    ],
    crosses: [],
    label: { windowMs: WINDOW_MS, onWindowEnd: 'default', defaultLabel: 0, ...label },
    learner: { kind: 'ftrl-logistic', tableBits: 10, alpha: 0.1, beta: 1, l1: 0, l2: 0 },
    snapshots: { minIntervalMs: 5 },
    predictionLog: 'async',
  };
  const plan = {
    model: name,
    planVersion: 1,
    stable: 1,
    candidate: null,
    candidateWeightBp: 0,
    shadows: [],
    salt: '',
  };
  return {
    spec,
    createdAtMs: 0,
    versions: [],
    plan,
    milestoneSequence: 0,
    repositioned: null,
    rollout: null,
    queued: [],
  };
}

type JoinedTopic = 'predictions.v1' | 'labels.v1';

/** A join with its two topics, their readers and its store in memory. One partition, 0. */
export interface JoinWorld {
  readonly join: Join;
  readonly stores: JoinStores;
  /** The state of partition 0, to look at only: the join owns it. */
  readonly store: JoinStore;
  /** `outcome count` for everything told to the metrics. */
  readonly told: string[];
  /** `pause topic/partition` and `resume topic/partition`, in order. */
  readonly flow: string[];
  /** Writes one record; nobody has read it yet. */
  writePredictions(model: string, predictions: readonly Prediction[]): void;
  writeLabels(model: string, labels: readonly Label[]): void;
  /** Moves the end of a topic without a record, as a transaction's marker does. */
  writeMarker(topic: JoinedTopic): void;
  /** Returns the next records of a topic as one batch. */
  batchOf(topic: JoinedTopic, count?: number): RecordBatch;
  handle(batch: RecordBatch): Promise<readonly Outcome<OutRecord>[]>;
  /** Handles and settles the next records of a topic and returns the training records they emit. */
  read(topic: JoinedTopic, count?: number): Promise<TrainingEvents[]>;
  /** A new process: positions and the like are read from the store again. */
  restart(): Promise<void>;
}

/** Returns the training records that outcomes emit. */
export function emittedBy(outcomes: readonly Outcome<OutRecord>[]): TrainingEvents[] {
  return outcomes
    .flatMap((outcome) => (outcome.kind === 'handled' ? outcome.emit : []))
    .map(({ value }) => value as TrainingEvents);
}

/** Returns a join over models, everything around it in memory. */
export async function createJoinWorld(
  models: readonly ModelState[],
  { budgetBytes = 1_000_000 } = {},
): Promise<JoinWorld> {
  const stores = createMemoryJoinStores();
  const store = await stores.own(0);
  const told: string[] = [];
  const flow: string[] = [];
  const logs: Record<JoinedTopic, { records: TypedRecord[]; end: number }> = {
    'predictions.v1': { records: [], end: 0 },
    'labels.v1': { records: [], end: 0 },
  };
  const directory = new Map(models.map((model) => [model.spec.name, model]));
  const make = (): Join =>
    createJoin({
      ports: {
        log: silentLog,
        nowMs: () => 0,
        newId: () => 'never',
        send: () => Promise.reject(new TypeError('the consumer loop writes, not the join')),
        observe: {
          items: () => undefined,
          pushedBack: () => undefined,
          joined: (outcome, count) => told.push(`${outcome} ${String(count)}`),
          joinBytes: () => undefined,
          watermark: () => undefined,
        },
      },
      stores,
      directory: () => directory,
      logRanges: (topic) => Promise.resolve(new Map([[0, { start: 0, end: logs[topic].end }]])),
      budgetBytes,
      pause: (partitions) =>
        flow.push(...partitions.map(({ topic, partition }) => `pause ${topic}/${String(partition)}`)),
      resume: (partitions) =>
        flow.push(...partitions.map(({ topic, partition }) => `resume ${topic}/${String(partition)}`)),
    });
  let join = make();
  const positions: Record<JoinedTopic, number> = { 'predictions.v1': 0, 'labels.v1': 0 };

  async function takeOver(): Promise<void> {
    const assigned = (['predictions.v1', 'labels.v1'] as const).map((topic) => ({ topic, partition: 0 }));
    const found = await join.takeOver(assigned);
    for (const { topic } of assigned) positions[topic] = found.get(`${topic}/0`) ?? 0;
  }
  await takeOver();

  function write(topic: JoinedTopic, value: unknown): void {
    const log = logs[topic];
    const source = {
      topic,
      partition: 0,
      offset: log.end,
      key: null,
      value: null,
      timestampMs: 0,
      traceparent: undefined,
    };
    log.records.push({ topic, value, source } as TypedRecord);
    log.end += 1;
  }

  function batchOf(topic: JoinedTopic, count = Infinity): RecordBatch {
    const unread = logs[topic].records.filter(({ source }) => source.offset >= positions[topic]);
    const records = unread.slice(0, count);
    const nextOffset =
      count >= unread.length ? logs[topic].end : (records.at(-1)?.source.offset ?? positions[topic] - 1) + 1;
    return { topic, partition: 0, records, nextOffset, highWatermark: logs[topic].end };
  }

  return {
    get join() {
      return join;
    },
    stores,
    store,
    told,
    flow,
    writePredictions: (model, predictions) =>
      write('predictions.v1', {
        model,
        shard: 0,
        featureNames: ['colour', 'size', 'isNew'],
        router: 'r',
        predictions,
      }),
    writeLabels: (model, labels) => write('labels.v1', { model, shard: 0, labels }),
    writeMarker: (topic) => {
      logs[topic].end += 1;
    },
    batchOf,
    handle: async (batch) => join.handle(batch),
    async read(topic, count) {
      const batch = batchOf(topic, count);
      const emitted = emittedBy(await join.handle(batch));
      await join.settle(batch);
      positions[topic] = batch.nextOffset;
      return emitted;
    },
    async restart() {
      join = make();
      await takeOver();
    },
  };
}
