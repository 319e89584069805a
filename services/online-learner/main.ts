import { setTimeout as delay } from 'node:timers/promises';
import { createShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import { digestOf } from '../../shared/checkpoint/manifest.ts';
import { loadConfig } from '../../shared/config/load-config.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { createApp } from '../../shared/http/app.ts';
import { followDirectory } from '../../shared/kafka/follow-directory.ts';
import { startGroupConsumer } from '../../shared/kafka/group-consumer.ts';
import type { GroupConsumer } from '../../shared/kafka/group-consumer.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { createRangeReader } from '../../shared/kafka/partition-count.ts';
import { readRange, readRecordAt } from '../../shared/kafka/read-range.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createConsumerMetrics } from '../../shared/observability/consumer-metrics.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createTracing } from '../../shared/observability/tracing.ts';
import { buildOnnxGraph } from '../../shared/onnx/scoring-graph.ts';
import { createRedis } from '../../shared/redis/connect.ts';
import { createCrashPoint } from '../../shared/runtime/crash-point.ts';
import { createStops, dieWith, runService } from '../../shared/runtime/run-service.ts';
import { createKafkaMilestones } from './adapters/kafka-milestones.ts';
import { decodedPast } from './adapters/decoded-past.ts';
import { stateDigest } from './adapters/state-digest.ts';
import { onlineLearnerSettings } from './config.ts';
import { learnerRoutes } from './http/routes.ts';
import { createLearnerMetrics } from './metrics.ts';
import { createLearner } from './service.ts';
import type { Learner } from './learner-deps.ts';

const SERVICE = 'online-learner';
const TOPIC = 'training-events.v1';
const TICK_MS = 250;

const programBeganMs = performance.now();
const config = loadConfig(onlineLearnerSettings, process.env);
const log = createLog(SERVICE, config.LOG_LEVEL);
const onFatal = dieWith(log);
const metrics = createMetrics();
const stops = createStops();
const tracing = await createTracing(SERVICE, config.OTEL_EXPORTER_OTLP_ENDPOINT);
stops.add(() => tracing.stop());
const onMoment = createCrashPoint(config.CRASH_AT);
let waiting = 'starting';
let consumer: GroupConsumer | undefined;
let learner: Learner | undefined;

/** Redis or Kafka may be away for a while: the next tick tries again. Anything else ends the process. */
function onBackgroundFailure(error: unknown): void {
  if (isRetriable(error)) log.warn({ reason: messageOf(error) }, 'will be tried again');
  else onFatal(error);
}

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: 65_536,
  waitsFor: () => {
    if (stops.signal.aborted) return ['stopping'];
    if (learner === undefined || consumer === undefined) return [waiting];
    const loop = consumer.waitsFor();
    const stopped = [...learner.stopped()].map(([key, why]) => `shard ${key}: ${why}`);
    return loop === undefined ? stopped : [loop, ...stopped];
  },
});
learnerRoutes(app, {
  shardsOf: (model) => learner?.view(model) ?? [],
  stoppedReason: (model) => learner?.stopped().get(`${model}#0`),
});

async function startLearning(): Promise<void> {
  const { kafka, codec, producer, partitions } = await openTopics({
    service: SERVICE,
    settings: config,
    topics: [TOPIC, 'scores.v1', 'snapshots.v1', 'milestones.v1', 'dead-letters.v1', 'model-versions.v1'],
    log,
    nowMs: Date.now,
    signal: stops.signal,
    groupId: config.GROUP_ID,
    onWait: (what) => (waiting = what),
  });
  stops.add(() => producer.close());
  const redis = createRedis({ url: config.REDIS_URL, log });
  redis.connect().catch(() => undefined); // it goes on trying by itself, and taking over waits for it
  stops.add(() => {
    redis.disconnect();
  });
  waiting = 'model-versions.v1';
  const follower = await followDirectory({
    kafka,
    codec,
    onFatal,
    onChange: () => {
      learner?.reconcile().catch(onBackgroundFailure);
    },
  });
  stops.add(() => follower.stop());
  await follower.caughtUp;
  const ranges = createRangeReader(kafka);
  stops.add(() => ranges.close());
  const service = createLearner({
    partitions,
    settings: {
      checkpointIntervalMs: config.CHECKPOINT_INTERVAL_MS,
      milestoneEvents: config.MILESTONE_EVENTS,
      versionBudgetMicros: config.VERSION_BUDGET_MICROS,
    },
    directory: follower.directory,
    programBeganMs,
    seek: (partition, offset) => consumer?.seek(partition, offset),
    ports: {
      log,
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      pause: (ms, signal) => delay(ms, undefined, { signal }).catch(() => undefined),
      threadCpuMs: () => {
        const { user, system } = process.threadCpuUsage();
        return (user + system) / 1000;
      },
      onMoment,
      openCheckpoint: (key) =>
        createShardCheckpoint(redis, `headrace:learner:${key}`, {
          leastEpoch: Date.now,
          monotonicMs: () => performance.now(),
          onMoment,
        }),
      openMilestones: (place) =>
        createKafkaMilestones({ ...place, kafka, codec, producer, nowMs: Date.now, onMoment }),
      readPast: (partition, from, to, signal) =>
        decodedPast(codec, TOPIC, readRange(kafka, { topic: TOPIC, partition, from, to, signal })),
      logRanges: () => ranges.ranges(TOPIC),
      digestAt: async (partition, offset) => {
        const found = await readRecordAt(kafka, { topic: TOPIC, partition, offset });
        return found?.value == null ? 'absent' : digestOf(found.value);
      },
      recordDigest: digestOf,
      sha256: sha256Hex,
      stateDigest,
      send: (records) => producer.send(records),
      graphOf: buildOnnxGraph,
      observe: createLearnerMetrics(metrics),
    },
  });
  learner = service;
  stops.add(() => service.stop());
  consumer = await startGroupConsumer({
    service: SERVICE,
    groupId: config.GROUP_ID,
    topics: [TOPIC],
    observe: createConsumerMetrics(metrics),
    tracing,
    kafka,
    codec,
    producer,
    handler: service,
    partitions,
    nowMs: Date.now,
    onFatal,
    onMoment,
  });
  const loop = consumer;
  stops.add(() => loop.stop());
  const ticker = setInterval(() => {
    service.tick().catch(onBackgroundFailure);
  }, TICK_MS);
  stops.add(() => {
    clearInterval(ticker);
  });
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
    { name: 'learning', start: startLearning, stop: () => stops.stopAll() },
  ],
});
