import { randomUUID } from 'node:crypto';
import { loadConfig } from '../../shared/config/load-config.ts';
import { createApp } from '../../shared/http/app.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { followDirectory } from '../../shared/kafka/follow-directory.ts';
import type { DirectoryFollower } from '../../shared/kafka/follow-directory.ts';
import { startGroupConsumer } from '../../shared/kafka/group-consumer.ts';
import type { GroupConsumer } from '../../shared/kafka/group-consumer.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { createRangeReader } from '../../shared/kafka/partition-count.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createConsumerMetrics } from '../../shared/observability/consumer-metrics.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createTracing } from '../../shared/observability/tracing.ts';
import { createRedis } from '../../shared/redis/connect.ts';
import { createStops, dieWith, runService } from '../../shared/runtime/run-service.ts';
import { createRedisJoinStores } from './adapters/redis-join-store.ts';
import { ingestRelations, ingestSettings } from './config.ts';
import { ingestRoutes } from './http/routes.ts';
import { createIntake } from './intake.ts';
import { createJoin } from './join.ts';
import type { Join } from './join.ts';
import { createIngestMetrics } from './metrics.ts';
import { createIngest } from './service.ts';
import type { Ingest } from './service.ts';

const SERVICE = 'ingest';

const config = loadConfig(ingestSettings, process.env, ingestRelations);
const log = createLog(SERVICE, config.LOG_LEVEL);
const onFatal = dieWith(log);
const metrics = createMetrics();
const stops = createStops();
const tracing = await createTracing(SERVICE, config.OTEL_EXPORTER_OTLP_ENDPOINT);
stops.add(() => tracing.stop());
let waiting = 'starting';
let directory: DirectoryFollower | undefined;
let ingest: Ingest | undefined;
let join: Join | undefined;
let consumer: GroupConsumer | undefined;

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: config.BODY_LIMIT_BYTES,
  waitsFor: () => {
    if (stops.signal.aborted) return ['stopping'];
    if (consumer === undefined) return [waiting];
    return [consumer.waitsFor(), join?.pushesBack()].filter((reason) => reason !== undefined);
  },
});
const notReady = (): never => {
  throw new HttpProblem(503, `waiting for ${waiting}`, { retryAfterSeconds: 1 });
};
ingestRoutes(app, {
  tracing,
  model: (name) => (directory?.isCaughtUp() === true ? directory.directory().get(name) : notReady()),
  ingest: () => ingest ?? notReady(),
  limits: {
    bodyBytes: config.BODY_LIMIT_BYTES,
    lineBytes: config.LINE_LIMIT_BYTES,
    itemsMax: config.ITEMS_MAX,
  },
  pushesBack: () => undefined,
});

async function startIngest(): Promise<void> {
  const { kafka, codec, producer, partitions } = await openTopics({
    service: SERVICE,
    settings: config,
    topics: ['training-events.v1', 'predictions.v1', 'labels.v1', 'dead-letters.v1', 'model-versions.v1'],
    log,
    nowMs: Date.now,
    signal: stops.signal,
    groupId: config.GROUP_ID,
    onWait: (what) => (waiting = what),
  });
  stops.add(() => producer.close());
  waiting = 'model-versions.v1';
  const follower = (directory = await followDirectory({ kafka, codec, onFatal }));
  stops.add(() => follower.stop());
  await follower.caughtUp;
  const ports = {
    log,
    nowMs: Date.now,
    newId: randomUUID,
    send: producer.send,
    observe: createIngestMetrics(metrics),
  };
  const intake = createIntake({
    ports,
    partitions,
    capacity: config.QUEUE_ITEMS_MAX,
    batchMax: config.RECORD_ITEMS_MAX,
  });
  ingest = createIngest(ports, intake);
  const redis = createRedis({ url: config.REDIS_URL, log });
  redis.connect().catch(() => undefined); // it goes on trying by itself, and the join waits for it
  stops.add(() => {
    redis.disconnect();
  });
  const ranges = createRangeReader(kafka);
  stops.add(() => ranges.close());
  waiting = 'the join';
  join = createJoin({
    ports,
    stores: createRedisJoinStores(redis),
    directory: follower.directory,
    logRanges: (topic) => ranges.ranges(topic),
    budgetBytes: config.JOIN_BUDGET_BYTES,
    pause: (tps) => consumer?.pause(tps),
    resume: (tps) => consumer?.resume(tps),
  });
  const loop = (consumer = await startGroupConsumer({
    service: SERVICE,
    groupId: config.GROUP_ID,
    topics: ['predictions.v1', 'labels.v1'],
    observe: createConsumerMetrics(metrics),
    tracing,
    kafka,
    codec,
    producer,
    handler: join,
    partitions,
    nowMs: Date.now,
    onFatal,
  }));
  stops.add(() => loop.stop());
}

await runService({
  log,
  stopTimeoutMs: config.STOP_TIMEOUT_MS,
  parts: [
    { name: 'ingest', start: startIngest, stop: () => stops.stopAll() },
    {
      name: 'http',
      start: () => app.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT }),
      stop: () => app.close(),
    },
  ],
});
