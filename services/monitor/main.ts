import { setTimeout as delay } from 'node:timers/promises';
import { createShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import { digestOf } from '../../shared/checkpoint/manifest.ts';
import { loadConfig } from '../../shared/config/load-config.ts';
import { HeadraceError, isRetriable, messageOf } from '../../shared/errors.ts';
import { createApp } from '../../shared/http/app.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { followDirectory } from '../../shared/kafka/follow-directory.ts';
import { startGroupConsumer } from '../../shared/kafka/group-consumer.ts';
import type { GroupConsumer } from '../../shared/kafka/group-consumer.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { readRecordAt } from '../../shared/kafka/read-range.ts';
import { createRangeReader } from '../../shared/kafka/partition-count.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createConsumerMetrics } from '../../shared/observability/consumer-metrics.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createTracing } from '../../shared/observability/tracing.ts';
import { createRedis } from '../../shared/redis/connect.ts';
import { createCrashPoint } from '../../shared/runtime/crash-point.ts';
import { createStops, dieWith, runService } from '../../shared/runtime/run-service.ts';
import { monitorSettings } from './config.ts';
import { MONITORED_TOPICS } from './domain/shard-monitor.ts';
import { monitorRoutes } from './http/routes.ts';
import { createMonitorMetrics } from './metrics.ts';
import { createMonitor } from './service.ts';
import type { Monitor } from './service.ts';

const SERVICE = 'monitor';
const TICK_MS = 1000;
const VERSIONS_LIMIT_MS = 2000;

const config = loadConfig(monitorSettings, process.env);
const log = createLog(SERVICE, config.LOG_LEVEL);
const onFatal = dieWith(log);
const metrics = createMetrics();
const observe = createMonitorMetrics(metrics);
const stops = createStops();
const tracing = await createTracing(SERVICE, config.OTEL_EXPORTER_OTLP_ENDPOINT);
stops.add(() => tracing.stop());
const onMoment = createCrashPoint(config.CRASH_AT);
let waiting = 'starting';
let monitor: Monitor | undefined;
let consumer: GroupConsumer | undefined;

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: 65_536,
  waitsFor: () => {
    if (stops.signal.aborted) return ['stopping'];
    if (monitor === undefined || consumer === undefined) return [waiting];
    const stopped = [...monitor.stopped()].map(([key, why]) => `shard ${key}: ${why}`);
    return [consumer.waitsFor(), ...stopped].filter((reason) => reason !== undefined);
  },
});
monitorRoutes(app, {
  report: (model) => {
    if (monitor === undefined) throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
    return monitor.report(model);
  },
  verdict: (model) => {
    if (monitor === undefined) throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
    return monitor.verdict(model);
  },
  stoppedReason: (model) => monitor?.stopped().get(`${model}#0`),
});

async function startMonitor(): Promise<void> {
  const { kafka, codec, producer, partitions } = await openTopics({
    service: SERVICE,
    settings: config,
    topics: [...MONITORED_TOPICS, 'verdicts.v1', 'dead-letters.v1', 'model-versions.v1'],
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
  const follower = await followDirectory({ kafka, codec, onFatal });
  stops.add(() => follower.stop());
  await follower.caughtUp;
  const ranges = createRangeReader(kafka);
  stops.add(() => ranges.close());
  const service = (monitor = createMonitor({
    partitions,
    checkpointIntervalMs: config.CHECKPOINT_INTERVAL_MS,
    directory: follower.directory,
    ports: {
      log,
      nowMs: Date.now,
      monotonicMs: () => performance.now(),
      openCheckpoint: (key) =>
        createShardCheckpoint(redis, `headrace:monitor:${key}`, {
          leastEpoch: Date.now,
          monotonicMs: () => performance.now(),
          onMoment,
        }),
      logRanges: (topic) => ranges.ranges(topic),
      digestAt: async (topic, partition, offset) => {
        const found = await readRecordAt(kafka, { topic, partition, offset });
        return found?.value == null ? 'absent' : digestOf(found.value);
      },
      recordDigest: digestOf,
      readVersionsToEnd: async () => {
        const end = (await ranges.ranges('model-versions.v1')).get(0)?.end ?? 0;
        const isRead = follower.reached(0, end).then(() => true);
        if (await Promise.race([isRead, delay(VERSIONS_LIMIT_MS, false, { ref: false })])) return;
        throw new HeadraceError(`model-versions.v1 could not be read to offset ${String(end)}`, {
          code: 'kafka-unavailable',
          retriable: true,
        });
      },
      publish: async (records) => {
        await producer.send(records);
      },
      onVerdict: observe.verdict,
      onSaved: observe.saved,
      onStopped: observe.stopped,
    },
  }));
  stops.add(() => service.stop());
  const loop = (consumer = await startGroupConsumer({
    service: SERVICE,
    groupId: config.GROUP_ID,
    topics: MONITORED_TOPICS,
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
    onOutcome: (topic, outcome) => {
      observe.records(topic, outcome.kind);
    },
  }));
  stops.add(() => loop.stop());

  async function tick(): Promise<void> {
    await service.tick();
    for (const model of follower.directory().keys()) {
      const report = await service.report(model);
      if (report !== undefined) observe.report(report);
    }
  }
  const ticker = setInterval(() => {
    tick().catch((error: unknown) => {
      if (isRetriable(error)) log.warn({ reason: messageOf(error) }, 'will be tried again');
      else onFatal(error);
    });
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
    { name: 'monitor', start: startMonitor, stop: () => stops.stopAll() },
  ],
});
