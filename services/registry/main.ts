import { createHash, randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { loadConfig } from '../../shared/config/load-config.ts';
import { createApp } from '../../shared/http/app.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { joinElection } from '../../shared/kafka/leadership.ts';
import type { Leadership } from '../../shared/kafka/leadership.ts';
import { logRanges } from '../../shared/kafka/partition-count.ts';
import { followTopic } from '../../shared/kafka/topic-follower.ts';
import type { TopicFollower } from '../../shared/kafka/topic-follower.ts';
import type { RecordProducer } from '../../shared/kafka/producer.ts';
import { openTransactionalProducer } from '../../shared/kafka/transactional-producer.ts';
import type { TransactionalProducer } from '../../shared/kafka/transactional-producer.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { retryWhileRetriable } from '../../shared/runtime/retry.ts';
import { createStops, dieWith, runService } from '../../shared/runtime/run-service.ts';
import { parseLearner, parseModelSpec } from './adapters/model-spec-parser.ts';
import { registrySettings } from './config.ts';
import { artefactRecords } from './adapters/kafka-artefacts.ts';
import { createPublishedChecks } from './adapters/published-checks.ts';
import { createStartOf } from './adapters/kafka-log-positions.ts';
import { followLeaderFeeds } from './adapters/leader-feeds.ts';
import type { StartOf } from './adapters/kafka-log-positions.ts';
import { registryRoutes } from './http/routes.ts';
import { createRegistryMetrics } from './metrics.ts';
import { createRollouts } from './rollouts.ts';
import type { Rollouts } from './rollouts.ts';
import { createRegistry } from './service.ts';
import type { Registry } from './service.ts';

const SERVICE = 'registry';
const LOG_TOPIC = 'model-versions.v1';
/** How often time is a signal, and leases are looked at, ms. */
const TICK_MS = 250;

const config = loadConfig(registrySettings, process.env);
const log = createLog(SERVICE, config.LOG_LEVEL);
const onFatal = dieWith(log);
const metrics = createMetrics();
const stops = createStops();
let waiting = 'starting';
let registry: Registry | undefined;
let rollouts: Rollouts | undefined;
let writer: TransactionalProducer | undefined;
let artefacts: RecordProducer | undefined;
let leadership: Leadership | undefined;
let isDeciding = false;
let startOf: StartOf = () => Promise.reject(new HttpProblem(503, 'not ready', { retryAfterSeconds: 1 }));

function readable(): Registry {
  if (registry === undefined) throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
  return registry;
}

function movable(): Rollouts {
  readable();
  if (rollouts === undefined) throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
  return rollouts;
}

async function writable(): Promise<Registry> {
  const known = readable();
  const broken = known.broken();
  if (broken !== undefined)
    throw new HttpProblem(503, `the version log is broken: ${broken}; restore model-versions.v1 from a copy`);
  if (isDeciding) return known;
  const leader = await leadership?.leader();
  const words = leader === undefined ? 'no registry leads at the moment' : `the leader is ${leader}`;
  throw new HttpProblem(503, `this registry does not decide: ${words}`, { retryAfterSeconds: 1 });
}

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: 262_144,
  waitsFor: () => {
    if (stops.signal.aborted) return ['stopping'];
    const broken = registry?.broken();
    if (broken !== undefined) return [`version log: ${broken}`];
    if (registry === undefined) return [waiting];
    if (leadership === undefined) return ['the election'];
    return leadership.isLeader() && !isDeciding ? ['the end of the version log'] : [];
  },
});
registryRoutes(app, {
  readable,
  writable,
  rollouts: movable,
  parseModelSpec,
  parseLearner,
  startOf: (model, from) => startOf(model, from),
  published: {
    fileBytesMax: config.PUBLISHED_BYTES_MAX,
    check: createPublishedChecks({
      fileBytesMax: config.PUBLISHED_BYTES_MAX,
      memoryMb: config.PUBLISHED_MEMORY_MB,
      stepMs: config.PUBLISHED_CHECK_MS,
    }),
    keep: async (digest, file) => {
      if (artefacts === undefined) throw new HttpProblem(503, 'not ready', { retryAfterSeconds: 1 });
      await artefacts.send(artefactRecords(digest, file));
    },
  },
});

async function startDeciding(): Promise<void> {
  const { kafka, codec, partitions, producer } = await openTopics({
    service: SERVICE,
    settings: config,
    topics: [
      LOG_TOPIC,
      'traffic.v1',
      'artefacts.v1',
      'snapshots.v1',
      'training-events.v1',
      'verdicts.v1',
      'router-status.v1',
    ],
    log,
    nowMs: Date.now,
    signal: stops.signal,
    onWait: (what) => (waiting = what),
  });
  artefacts = producer;
  stops.add(() => producer.close());
  startOf = createStartOf(kafka, partitions);
  const observe = createRegistryMetrics(metrics);
  const service = createRegistry({
    log,
    nowMs: Date.now,
    newId: randomUUID,
    sha256: (text) => createHash('sha256').update(text).digest('hex'),
    commit: async (records) => {
      try {
        await writer?.commit(records);
      } catch (error) {
        onFatal(error); // nothing is known of the producer now: a restart fences it and reads the log again
        throw error;
      }
    },
    observe,
  });
  waiting = LOG_TOPIC;
  const follower: TopicFollower = await followTopic({
    topic: LOG_TOPIC,
    kafka,
    codec,
    onFatal,
    onRecord: ({ value }) => {
      if (value !== null) service.fold(value);
    },
    onUndecodable: (source, reason) => {
      onFatal(new Error(`event at ${String(source.offset)} cannot be read: ${reason}`));
    },
  });
  stops.add(() => follower.stop());
  await follower.caughtUp;
  registry = service;
  const moving = createRollouts({
    registry: service,
    observe,
    log,
    nowMs: Date.now,
    positionOf: (model) => startOf(model, 'end'),
    onFatal,
  });
  rollouts = moving;

  /** Fence first, then read to the end: nobody else can write between what was read and what is decided. */
  async function lead(): Promise<void> {
    const fenced = await retryWhileRetriable(
      () => openTransactionalProducer(kafka, codec, 'headrace-registry'),
      { what: 'fencing', log, signal: stops.signal },
    );
    stops.add(() => fenced.close());
    const ranges = await retryWhileRetriable(() => logRanges(kafka, LOG_TOPIC), {
      what: 'reading the log’s end',
      log,
      signal: stops.signal,
    });
    await follower.reached(0, ranges.get(0)?.end ?? 0);
    writer = fenced;
    await service.republish();
    isDeciding = true;
    observe.leads();
    log.info({}, 'leading');
    const feeds = await followLeaderFeeds({
      kafka,
      codec,
      log,
      nowMs: Date.now,
      onFatal,
      isAwaited: (model, version) =>
        service
          .directory()
          .get(model)
          ?.versions.find((one) => one.version === version)?.life === 'registered',
      onFirstSnapshot: ({ model, version, bornPosition: position }) => {
        const reason = 'its first snapshot was published';
        const asked = { actor: 'online-learner', reason, idempotencyKey: undefined };
        service.take({ kind: 'record-birth', model, version, position }, asked).catch(onFatal);
      },
      onVerdict: moving.hearVerdict,
      onRouter: moving.hearRouter,
    });
    stops.add(() => feeds.stop());
    await feeds.caughtUp;
    moving.beginListening();
    const ticker = setInterval(() => void tick(), TICK_MS);
    stops.add(() => {
      clearInterval(ticker);
    });
  }

  let isTicking = false;

  async function tick(): Promise<void> {
    if (isTicking) return;
    isTicking = true;
    try {
      await Promise.all([service.renewLeases(), moving.tick()]);
    } catch (error) {
      onFatal(error);
    }
    isTicking = false;
  }

  const self =
    config.ADVERTISED_URL === '' ? `http://${hostname()}:${String(config.HTTP_PORT)}` : config.ADVERTISED_URL;
  leadership = await joinElection({
    kafka,
    groupId: 'headrace-registry-leader',
    topic: LOG_TOPIC,
    clientId: self,
    onLead: () => {
      lead().catch(onFatal);
    },
    onLose: () => {
      onFatal(new Error('another registry leads now'));
    },
    onFatal,
  });
  const election = leadership;
  stops.add(() => election.stop());
}

await runService({
  log,
  stopTimeoutMs: config.STOP_TIMEOUT_MS,
  parts: [
    {
      name: 'http',
      start: () => app.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT }),
      stop: () => app.close(),
    },
    { name: 'registry', start: startDeciding, stop: () => stops.stopAll() },
  ],
});
