import { hostname } from 'node:os';
import { performance } from 'node:perf_hooks'; // the global one is a getter
import { setTimeout as delay } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { instanceOf, loadConfig } from '../../shared/config/load-config.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { createApp } from '../../shared/http/app.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createTracing } from '../../shared/observability/tracing.ts';
import { createStops, inBackground, runService } from '../../shared/runtime/run-service.ts';
import { createAdmissionGate } from './admission-gate.ts';
import { openDisk } from './adapters/disk.ts';
import { createKafkaLink } from './adapters/kafka-link.ts';
import { createLinearScorers } from './adapters/linear-scorer.ts';
import { watchLoopDelay } from './adapters/loop-delay.ts';
import { createOnnxScorers } from './adapters/onnx-scorer.ts';
import { createPublishedScorers } from './adapters/published-scorers.ts';
import { countMemory } from './adapters/memory-count.ts';
import { asciiText } from './adapters/ascii-text.ts';
import { createIdSource } from './adapters/random-ids.ts';
import { callAfter } from './adapters/timer.ts';
import {
  admissionLimits,
  advertisedUrl,
  bodyTurnLimits,
  bulkLimits,
  publishedLimits,
  routerRelations,
  routerSettings,
  turnLimits,
} from './config.ts';
import { createInjectedFailures } from './domain/injected-failures.ts';
import { hasLapsed } from './domain/traffic-plans.ts';
import { createInferenceServer } from './grpc/inference-server.ts';
import { takeBulk } from './http/bulk-predict.ts';
import { inferenceRoutes } from './http/inference-routes.ts';
import { predictRoutes } from './http/predict-routes.ts';
import { createShortcuts } from './http/shortcuts.ts';
import { stampArrival } from './http/request-of.ts';
import { takeOnlyStrictJson } from './http/strict-json.ts';
import { keepCache } from './keep-cache.ts';
import { createRouterMetrics } from './metrics.ts';
import type { ReadArtefact } from './ports.ts';
import { createPredictionLog } from './prediction-log.ts';
import { createReadiness } from './readiness.ts';
import { createRouting } from './routing.ts';
import type { Router } from './service.ts';
import { createServingCache } from './serving-cache.ts';
import { createStatusReporter } from './status-reporter.ts';
import { oldestMs } from './domain/staleness.ts';
import { createTracedRouter } from './trace-router.ts';
import { createTurns } from './turns.ts';
import { createVersionServers } from './version-servers.ts';

const SERVICE = 'router';
const config = loadConfig(routerSettings, process.env, routerRelations);
const log = createLog(SERVICE, config.LOG_LEVEL);
const metrics = createMetrics();
const observe = createRouterMetrics(metrics);
const stops = createStops();
const tracing = await createTracing(SERVICE, config.OTEL_EXPORTER_OTLP_ENDPOINT);
stops.add(() => tracing.stop());
const stopping = new AbortController();
const monotonicMs = (): number => performance.now();
const orDie = inBackground(log, stopping.signal);
const nowMs = (): number => Date.now() + config.CLOCK_OFFSET_MS;
const routing = createRouting({
  nowMs,
  monotonicMs,
  notReady: (model, version) => versions.notReady(model, version),
  onPlan: observe.plan,
});
const readArtefact: ReadArtefact = (digest) => link.readArtefact(digest);
const disk = openDisk(config.DATA_DIR, readArtefact, log);
const openOnnx = createOnnxScorers(monotonicMs);
const versions = createVersionServers({
  ports: {
    log,
    nowMs,
    monotonicMs,
    defer: setImmediate,
    countMemory,
    sha256: sha256Hex,
    after: callAfter,
    openScorer: config.SCORER === 'onnx' ? openOnnx : createLinearScorers(openOnnx, monotonicMs),
    openPublished: createPublishedScorers(publishedLimits(config)),
    readArtefact: disk?.readArtefact ?? readArtefact,
    beforeRun: createInjectedFailures(config.INJECT_FAILURES),
    specOf: (model) => routing.directory().get(model)?.spec,
    observe,
  },
  directory: routing.directory,
  batchMax: config.RUN_ROWS_MAX,
  parityEvery: config.PARITY_EVERY,
  budgetMs: config.SCORING_BUDGET_MS,
  memoryBytes: config.SCORING_MEMORY_BYTES,
  plans: routing.plans,
  onReadiness: report,
  reply: (reply) => {
    link.replyToSnapshots(reply);
  },
});
const link = createKafkaLink({
  opening: { service: SERVICE, settings: config, nowMs, signal: stopping.signal },
  log,
  stops,
  onWait: routing.waitFor,
  onDirectory: (next) => {
    routing.heardDirectory(next);
    versions.directoryChanged(next);
  },
  onPlan: (plan) => {
    if (!routing.heardPlan(plan)) return;
    versions.directoryChanged(routing.directory()); // a retired version may have been kept for the plan before
    report();
  },
  logLevel: config.LOG_LEVEL,
  onSnapshot: versions.take,
  onCaughtUp: (topic) => {
    routing.caughtUp(topic);
    report();
  },
  onUndecodable: observe.undecodable,
});
const self = instanceOf(config, hostname());
const predictions = createPredictionLog({
  ports: {
    log,
    defer: setImmediate,
    gather: (work) => void setTimeout(work, config.PREDICTION_GATHER_MS),
    pause: (ms) => delay(ms),
    send: link.send,
    observe,
  },
  router: self,
  partitions: link.partitions,
  capacityBytes: config.PREDICTION_LOG_BYTES,
  record: { itemsMax: config.PREDICTION_RECORD_ITEMS, bytesMax: config.PREDICTION_RECORD_BYTES },
});
const reporter = createStatusReporter({
  router: self,
  url: advertisedUrl(config),
  models: versions.status,
  nowMs,
  send: link.send,
  log,
});
const turns = createTurns({ ...turnLimits(config), monotonicMs });
const bodyTurns = createTurns({ ...bodyTurnLimits(config), monotonicMs });
const router = createTracedRouter({
  turns,
  versions,
  log: predictions,
  nowMs,
  monotonicMs,
  directory: routing.directory,
  plans: routing.plans,
  newId: createIdSource(),
  textOf: asciiText,
  rowsMax: config.INFER_ROWS_MAX,
  observe,
  tracing,
});
/** Shows what this router has: to Prometheus, and to whoever reads router-status.v1. */
function report(): void {
  routing.settle();
  const plans = [...routing.plans().values()];
  observe.versions(versions.figures());
  observe.lapsed(plans.filter((plan) => hasLapsed(plan, monotonicMs())).length);
  observe.source(routing.source());
  reporter.report();
}

const { waitsFor, untilReady } = createReadiness({
  routing,
  monotonicMs,
  pause: (ms) => delay(ms),
  isStopping: () => stopping.signal.aborted,
});

/** The router answers as soon as it knows models and plans; which versions are ready shows per request. */
function openRouter(): Router {
  if (routing.source() !== 'nothing') return router;
  throw new HttpProblem(503, `waiting for ${routing.waitsFor().join(', ')}`, { retryAfterSeconds: 1 });
}

const gate = createAdmissionGate(admissionLimits(config));
watchLoopDelay(monotonicMs, (delayMs) => {
  gate.look(Math.max(delayMs, turns.takeLongestWaitMs(), bodyTurns.takeLongestWaitMs()));
});
observe.admission(gate.figures);

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: config.PREDICT_BODY_BYTES,
  requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
  waitsFor,
  readiness: () => ({
    servingFrom: routing.source(),
    stalenessMs: oldestMs(
      routing.plans(),
      (model, version) => versions.of(model, version)?.applied()?.publishedAtMs,
      nowMs(),
    ),
  }),
  ...createShortcuts({
    gate: { ...gate, isClosing: () => stopping.signal.aborted },
    bodyTurns,
    router: () => (routing.source() === 'nothing' ? undefined : router),
    limits: config,
    nowMs: Date.now,
    monotonicMs,
    log,
  }),
});
takeOnlyStrictJson(app);
stampArrival(app, monotonicMs);
const answerBulk = takeBulk(app, { log, monotonicMs, ...bulkLimits(config) });
predictRoutes(app, { router: openRouter, answerBulk });
inferenceRoutes(app, {
  router: openRouter,
  waitsFor,
  bodyLimitBytes: config.INFER_BODY_BYTES,
  softwareVersion: packageJson.version,
});

const grpc = createInferenceServer({
  log,
  router: openRouter,
  waitsFor,
  monotonicMs,
  gate,
  messageLimitBytes: config.INFER_BODY_BYTES,
  softwareVersion: packageJson.version,
});

/** Writes the predictions that wait, as far as time allows, and leaves Kafka. */
async function endKafka(): Promise<void> {
  await Promise.race([predictions.flush(), delay(config.FLUSH_TIMEOUT_MS)]);
  predictions.stop();
  await reporter.leave();
  versions.close();
  await stops.stopAll();
}

/** Serves from the disk when Kafka does not speak, and keeps on it what Kafka has said. */
async function useDisk(): Promise<void> {
  if (disk === undefined) return;
  await keepCache({
    cache: createServingCache({ ...disk, ...routing, versions, log, observe }),
    routing,
    afterMs: config.CACHE_AFTER_MS,
    intervalMs: config.CACHE_INTERVAL_MS,
    pause: (ms) => delay(ms, undefined, { signal: stopping.signal }),
    onUsed: () => {
      versions.directoryChanged(routing.directory());
      report();
    },
    log,
  });
}

await runService({
  log,
  stopTimeoutMs: config.STOP_TIMEOUT_MS,
  parts: [
    // Stopped in reverse: readiness goes off, requests under way are answered, then their predictions are written.
    { name: 'kafka', start: () => Promise.resolve(), stop: endKafka },
    {
      name: 'http',
      start: async () => {
        orDie(link.open());
        orDie(useDisk());
        setInterval(report, config.STATUS_INTERVAL_MS).unref();
        await untilReady(config.LISTEN_GRACE_MS);
        await app.listen({ host: config.HTTP_HOST, port: config.HTTP_PORT });
      },
      stop: () => {
        stopping.abort();
        return app.close();
      },
    },
    {
      name: 'grpc',
      start: async () => {
        if (config.GRPC_PORT >= 0) await grpc.listen(config.HTTP_HOST, config.GRPC_PORT);
      },
      stop: () => {
        stopping.abort();
        return grpc.close();
      },
    },
  ],
});
