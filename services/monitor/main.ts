import { setTimeout as delay } from 'node:timers/promises';
import { createShardCheckpoint } from '../../shared/checkpoint/checkpoint-store.ts';
import { digestOf } from '../../shared/checkpoint/manifest.ts';
import { loadConfig } from '../../shared/config/load-config.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { shardKey } from '../../shared/domain/shard.ts';
import { HeadraceError, isRetriable, messageOf } from '../../shared/errors.ts';
import { createApp } from '../../shared/http/app.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { consumerLag } from '../../shared/kafka/consumer-lag.ts';
import { createDeadLetterDesk } from '../../shared/kafka/dead-letter-desk.ts';
import type { DeadLetterDesk } from '../../shared/kafka/dead-letter-desk.ts';
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
import { readPageAssets } from './adapters/page-assets.ts';
import type { PageAssets } from './adapters/page-assets.ts';
import { createRegistryLink, rolloutWord } from './adapters/registry-link.ts';
import { monitorSettings } from './config.ts';
import { ChainWatch } from './domain/page/chain-watch.ts';
import type { StreamView } from './domain/page/messages.ts';
import { repeatedRows } from './domain/page/repeated-rows.ts';
import { MONITORED_TOPICS } from './domain/shard-monitor.ts';
import { deadLetterRoutes } from './http/dead-letter-routes.ts';
import { liveRoutes } from './http/live-routes.ts';
import { pageRoutes } from './http/page-routes.ts';
import { registryRoutes } from './http/registry-routes.ts';
import { monitorRoutes } from './http/routes.ts';
import { createMonitorMetrics } from './metrics.ts';
import { createFeeds } from './page-feeds.ts';
import { createPageLive } from './page-live.ts';
import { createReportChanges } from './report-changes.ts';
import { createMonitor } from './service.ts';
import type { Measured, Monitor } from './service.ts';

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
let directory: () => ModelDirectory = () => new Map();
let measured: ReadonlyMap<string, Measured> = new Map();
let letters: DeadLetterDesk | undefined;
let askLag: (() => Promise<Pick<StreamView, 'lag' | 'deadLetters'>>) | undefined;
let assets: PageAssets | undefined;
const chain = new ChainWatch((text) => sha256Hex([Buffer.from(text)]));
const startedAtMs = Date.now();

function waitsFor(): string[] {
  if (stops.signal.aborted) return ['stopping'];
  if (monitor === undefined || consumer === undefined) return [waiting];
  const stopped = [...monitor.stopped()].map(([key, why]) => `shard ${key}: ${why}`);
  return [consumer.waitsFor(), ...stopped].filter((reason) => reason !== undefined);
}

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: 65_536,
  waitsFor,
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
  stoppedReason: (model) => monitor?.stopped().get(shardKey(model, 0)),
});

const askRegistry = createRegistryLink(config.REGISTRY_URL);
const feeds = createFeeds({
  nowMs: Date.now,
  directory: () => directory(),
  measured: () => measured,
  stopped: (model) => monitor?.stopped().get(shardKey(model, 0)),
  verdict: (model) => monitor?.verdict(model),
  status: () => ({
    waitsFor: waitsFor(),
    startedAtMs,
    chain: chain.status(),
    hasRegistry: config.REGISTRY_URL !== '',
  }),
});
const live = createPageLive(feeds, {
  monotonicMs: () => performance.now(),
  connectionsMax: config.PAGE_CONNECTIONS_MAX,
  isReady: () => monitor !== undefined,
  bootId: startedAtMs.toString(36),
  askRegistry: (model) => rolloutWord(askRegistry, model),
  askStream: async () => {
    const models = repeatedRows(measured);
    try {
      if (askLag === undefined) throw new TypeError(`waiting for ${waiting}`);
      return { ...(await askLag()), models, fault: null };
    } catch (error) {
      return { lag: [], deadLetters: null, models, fault: messageOf(error) };
    }
  },
  onConnections: observe.pages,
  onDropped: observe.pageDropped,
});
const hosts = new Set(config.PAGE_HOSTS.split(',').filter((name) => name !== ''));
pageRoutes(app, { hosts, assets: () => (assets ??= readPageAssets()) });
liveRoutes(app, { hosts, live });
registryRoutes(app, { hosts, ask: askRegistry });
deadLetterRoutes(app, {
  hosts,
  desk: () => {
    if (letters === undefined) throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
    return letters;
  },
  onRedriven: (done) => log.info(done, 'dead letter put back'),
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
  letters = createDeadLetterDesk(kafka, codec);
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
    onEvent: (event) => {
      chain.take(event);
    },
  });
  directory = follower.directory;
  stops.add(() => follower.stop());
  await follower.caughtUp;
  const ranges = createRangeReader(kafka);
  stops.add(() => ranges.close());
  askLag = async () => ({
    lag: await consumerLag(kafka),
    deadLetters: (await ranges.ranges('dead-letters.v1')).get(0) ?? null,
  });
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

  const reportChanges = createReportChanges(observe.report);
  let isTicking = false;
  async function tick(): Promise<void> {
    if (isTicking) return;
    isTicking = true;
    try {
      await service.tick();
      measured = await service.measured();
      reportChanges(measured);
    } finally {
      isTicking = false;
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

let pageTicker: NodeJS.Timeout | undefined;

/** The page is told of every second, also while what it tells of is away. */
function startPage(): Promise<void> {
  pageTicker = setInterval(() => {
    live.tick();
  }, TICK_MS);
  return Promise.resolve();
}

function endPage(): Promise<void> {
  clearInterval(pageTicker);
  live.close();
  return Promise.resolve();
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
    { name: 'page', start: startPage, stop: endPage },
    { name: 'monitor', start: startMonitor, stop: () => stops.stopAll() },
  ],
});
