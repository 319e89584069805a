import { setImmediate as turn } from 'node:timers/promises';
import avro from 'avsc';
import { AvroBody } from '../../../shared/domain/avro-writer.ts';
import { schemaOf } from '../../../shared/events/codec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { createPredictionLog } from '../../../services/router/prediction-log.ts';
import type { PredictionLog } from '../../../services/router/prediction-log.ts';
import type { OutRecord, RouterObserver } from '../../../services/router/ports.ts';
import { asciiText } from '../../../services/router/adapters/ascii-text.ts';
import { createInjectedFailures } from '../../../services/router/domain/injected-failures.ts';
import { createRouter } from '../../../services/router/service.ts';
import type { PredictResult, Refusal, Router } from '../../../services/router/service.ts';
import type { MemoryCount } from '../../../services/router/domain/run-memory.ts';
import { createSnapshotIntakes } from '../../../services/router/domain/snapshot-intakes.ts';
import type { SnapshotIntakes } from '../../../services/router/domain/snapshot-intakes.ts';
import { createTurns } from '../../../services/router/turns.ts';
import { createVersionServers } from '../../../services/router/version-servers.ts';
import type { VersionServers } from '../../../services/router/version-servers.ts';
import type { HeldPlan } from '../../../services/router/domain/traffic-plans.ts';
import type { Prediction, Predictions, Snapshot } from '../../../shared/domain/events.ts';
import type { ModelState, VersionState } from '../../../shared/domain/model-directory.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { noTracing } from '../../../shared/observability/tracing.ts';
import { createFakeScorers } from './fake-scorer.ts';
import type { FakeScorers } from './fake-scorer.ts';
import { clickSpec, fullOf, weightsOf } from './snapshot-records.ts';
import { createTimers } from './timers.ts';
import type { Timers } from './timers.ts';

const predictionsType = avro.Type.forSchema(schemaOf('predictions.v1'));

/** Returns the predictions of a record that was given to Kafka. */
export function predictionsOf(value: OutRecord['value']): readonly Prediction[] {
  if (!(value instanceof AvroBody)) throw new TypeError('a record of predictions.v1 is encoded by the log');
  return structuredClone(predictionsType.fromBuffer(Buffer.from(value.bytes)) as Predictions).predictions;
}

/** What was told to the metrics, as `name argument argument …`. */
export interface Told {
  readonly all: string[];
  count(beginning: string): number;
}

export function recordingObserver(): { observe: RouterObserver; told: Told } {
  const all: string[] = [];
  const write =
    (name: string) =>
    (...args: readonly unknown[]): void => {
      all.push([name, ...args.map(String)].join(' '));
    };
  const observe: RouterObserver = {
    request: (protocol, model, outcome) => {
      write('request')(protocol, model, outcome);
    },
    run: (model, version, rows) => {
      write('run')(model, version, rows);
    },
    failedRun: write('failedRun'),
    snapshot: write('snapshot'),
    freshness: write('freshness'),
    plan: write('plan'),
    lapsed: () => undefined,
    versions: () => undefined,
    forgotten: write('forgotten'),
    logDropped: write('logDropped'),
    logBuffered: () => undefined,
    undecodable: write('undecodable'),
    cacheFile: write('cacheFile'),
    source: write('source'),
    admission: () => undefined,
  };
  return {
    observe,
    told: { all, count: (beginning) => all.filter((one) => one.startsWith(beginning)).length },
  };
}

export function versionState(version: number, life: VersionState['life'] = 'live'): VersionState {
  const learner = clickSpec.learner;
  return {
    version,
    parent: null,
    mode: 'cold',
    learner,
    life,
    isApproved: true,
    startPosition: 0,
    bornPosition: 0,
    resumeSequence: 0,
    registeredAtMs: 0,
  };
}

/** A router with everything around it in memory. */
export interface RouterWorld {
  readonly router: Router;
  /** `take` takes records of snapshots.v1, null for a tombstone, as the thread that reads them does. */
  readonly versions: Omit<VersionServers, 'take'> & Pick<SnapshotIntakes, 'take' | 'wants'>;
  readonly log: PredictionLog;
  readonly scorers: FakeScorers;
  readonly told: Told;
  readonly clock: { nowMs: number };
  readonly timers: Timers;
  /** Records given to Kafka, in order. */
  readonly sent: OutRecord[];
  /** What the next writes do instead of succeeding. */
  failSends(error: unknown): void;
  /** Makes writes wait until `releaseSends`. */
  holdSends(): void;
  releaseSends(): void;
  setPlan(change: Partial<HeldPlan>): void;
  /** What the version log says; a test may change it. */
  readonly models: Map<string, ModelState>;
  /** Lets everything that is under way come to rest. */
  settle(): Promise<void>;
  /** Returns the predictions logged so far, once everything is at rest. */
  logged(): Promise<readonly Prediction[]>;
  predict(body: unknown, traceparent?: string): Promise<PredictResult>;
}

export function createWorld(
  options: {
    readonly spec?: Partial<ModelSpec>;
    readonly countMemory?: () => MemoryCount;
    readonly capacityBytes?: number;
    readonly batchMax?: number;
    /** As the setting INJECT_FAILURES. */
    readonly injectFailures?: string;
  } = {},
): RouterWorld {
  const scorers = createFakeScorers();
  const { observe, told } = recordingObserver();
  const clock = { nowMs: 10_000 };
  const spec: ModelSpec = { ...clickSpec, ...options.spec };
  let plan: HeldPlan = {
    publishedAtMs: 0,
    leaseEndsMs: Infinity,
    model: 'clicks',
    planVersion: 7,
    stable: 1,
    candidate: null,
    candidateWeightBp: 0,
    shadows: [],
    salt: 's',
  };
  const model: ModelState = {
    spec,
    createdAtMs: 0,
    versions: [versionState(1), versionState(2), versionState(3)],
    plan,
    milestoneSequence: 0,
    repositioned: null,
    rollout: null,
    queued: [],
  };
  const models = new Map([['clicks', model]]);
  const sent: OutRecord[] = [];
  let failure: unknown;
  let gate: PromiseWithResolvers<void> | undefined;
  let nextId = 0;
  const timers = createTimers();

  const directory = (): Map<string, ModelState> => models;
  const plans = (): Map<string, HeldPlan> => new Map([[plan.model, plan]]);
  const intakes = createSnapshotIntakes({
    sha256: sha256Hex,
    defer: setImmediate,
    tell: (news) => {
      servers.take(news);
    },
  });
  const servers = createVersionServers({
    ports: {
      log: silentLog,
      nowMs: () => clock.nowMs,
      monotonicMs: () => clock.nowMs,
      defer: setImmediate,
      after: timers.after,
      countMemory: options.countMemory ?? (() => ({ heapBytes: 0, externalBytes: 0 })),
      sha256: sha256Hex,
      openScorer: scorers.open,
      openPublished: () => Promise.reject(new Error('no published files here')),
      readArtefact: () => Promise.resolve(undefined),
      beforeRun: createInjectedFailures(options.injectFailures ?? ''),
      specOf: (name) => directory().get(name)?.spec,
      observe,
    },
    directory,
    batchMax: options.batchMax ?? 256,
    parityEvery: 3,
    budgetMs: 100,
    memoryBytes: 1000,
    plans,
    onReadiness: () => undefined,
    reply: intakes.hear,
  });
  const versions = { ...servers, take: intakes.take, wants: intakes.wants };
  const log = createPredictionLog({
    ports: {
      log: silentLog,
      defer: setImmediate,
      gather: setImmediate,
      pause: () => turn(),
      async send(records) {
        await gate?.promise;
        await turn();
        if (failure !== undefined) throw failure instanceof Error ? failure : new Error('send failed');
        sent.push(...records);
      },
      observe,
    },
    router: 'router-1',
    partitions: () => 4,
    capacityBytes: options.capacityBytes ?? 1_000_000,
    record: { itemsMax: 100, bytesMax: 1_000_000 },
  });
  const router = createRouter({
    versions: servers,
    log,
    nowMs: () => clock.nowMs,
    monotonicMs: () => clock.nowMs,
    directory,
    plans,
    textOf: asciiText,
    newId: () => `id-${String(nextId++)}`,
    rowsMax: 8,
    turns: createTurns({ weightMax: 8, waitMaxMs: 500, monotonicMs: () => clock.nowMs }),
    observe,
    tracing: noTracing,
  });

  async function settle(): Promise<void> {
    for (let i = 0; i < 50; i++) await turn();
  }

  return {
    router,
    versions,
    log,
    scorers,
    told,
    clock,
    timers,
    sent,
    failSends: (error) => {
      failure = error;
    },
    holdSends: () => {
      gate = Promise.withResolvers();
    },
    releaseSends: () => {
      gate?.resolve();
      gate = undefined;
    },
    setPlan: (change) => {
      plan = { ...plan, ...change };
    },
    models,
    settle,
    async logged() {
      await settle();
      return sent.flatMap(({ topic, value }) => (topic === 'predictions.v1' ? predictionsOf(value) : []));
    },
    predict: (body, traceparent) =>
      router.predict({ model: 'clicks', body, arrivedMs: clock.nowMs, traceparent }),
  };
}

/** Returns the answer of a result that has one. */
export function answerOf<Answer>(
  result: { readonly kind: 'answered'; readonly answer: Answer } | Refusal,
): Answer {
  if (result.kind !== 'answered') throw new Error(`not answered: ${JSON.stringify(result)}`);
  return result.answer;
}

/** Gives a version a snapshot of which every row scores sigmoid(bias), and lets it be applied. */
export async function serve(
  world: RouterWorld,
  version: number,
  bias: number,
  change: Partial<Snapshot> = {},
): Promise<void> {
  const record = fullOf(weightsOf(bias), { version, ...change });
  world.versions.take(`clicks#0/${String(version)}/full`, record, undefined);
  await world.settle();
}

export const BODY = { subject: 'user-1', features: { shop: 'north', isNew: true, amount: 12.5 } };
