import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import packageJson from '../../package.json' with { type: 'json' };
import { instanceOf, loadConfig } from '../../shared/config/load-config.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { createApp } from '../../shared/http/app.ts';
import { HttpProblem } from '../../shared/http/problem.ts';
import { openTopics } from '../../shared/kafka/open-topics.ts';
import { createLog } from '../../shared/observability/log.ts';
import { createMetrics } from '../../shared/observability/metrics.ts';
import { createStops, dieWith, runService } from '../../shared/runtime/run-service.ts';
import { createArtefactReader } from './adapters/kafka-artefacts.ts';
import { FOLLOWED_TOPICS, followTopics } from './adapters/follow-topics.ts';
import { createLinearScorers } from './adapters/linear-scorer.ts';
import { createPublishedScorers } from './adapters/published-scorers.ts';
import { createOnnxScorers } from './adapters/onnx-scorer.ts';
import { asciiText } from './adapters/ascii-text.ts';
import { createIdSource } from './adapters/random-ids.ts';
import { routerRelations, routerSettings } from './config.ts';
import { createInjectedFailures } from './domain/injected-failures.ts';
import { hasLapsed, withPlan } from './domain/traffic-plans.ts';
import type { TrafficPlans } from './domain/traffic-plans.ts';
import { unreadyStables } from './domain/waits-for.ts';
import { createInferenceServer } from './grpc/inference-server.ts';
import { takeBulk } from './http/bulk-predict.ts';
import { inferenceRoutes } from './http/inference-routes.ts';
import { createPredictShortcut } from './http/predict-shortcut.ts';
import { predictRoutes } from './http/predict-routes.ts';
import { stampArrival } from './http/request-of.ts';
import { takeOnlyStrictJson } from './http/strict-json.ts';
import { createRouterMetrics } from './metrics.ts';
import { createPredictionLog } from './prediction-log.ts';
import { createRouter } from './service.ts';
import type { Router } from './service.ts';
import type { ReadArtefact } from './ports.ts';
import { createStatusReporter } from './status-reporter.ts';
import type { StatusReporter } from './status-reporter.ts';
import { createVersionServers } from './version-servers.ts';

const SERVICE = 'router';

const config = loadConfig(routerSettings, process.env, routerRelations);
const log = createLog(SERVICE, config.LOG_LEVEL);
const metrics = createMetrics();
const observe = createRouterMetrics(metrics);
const stops = createStops();
const stopping = new AbortController();
const monotonicMs = (): number => performance.now();
let waiting = new Set(['starting']);
let directory: ModelDirectory = new Map();
let plans: TrafficPlans = new Map();
let readArtefact: ReadArtefact = () => Promise.resolve(undefined);
let router: Router | undefined;
let reporter: StatusReporter | undefined;

const openOnnx = createOnnxScorers(monotonicMs);
const versions = createVersionServers({
  ports: {
    log,
    nowMs: Date.now,
    monotonicMs,
    defer: setImmediate,
    sha256: sha256Hex,
    after: (ms, work) => {
      const timer = setTimeout(work, ms);
      return () => {
        clearTimeout(timer);
      };
    },
    openScorer: config.SCORER === 'onnx' ? openOnnx : createLinearScorers(openOnnx, monotonicMs),
    openPublished: createPublishedScorers({
      memoryMb: config.PUBLISHED_MEMORY_MB,
      loadMs: config.PUBLISHED_LOAD_MS,
      runMs: config.PUBLISHED_RUN_MS,
    }),
    readArtefact: (digest) => readArtefact(digest),
    beforeRun: createInjectedFailures(config.INJECT_FAILURES),
    specOf: (model) => directory.get(model)?.spec,
    observe,
  },
  directory: () => directory,
  batchMax: config.RUN_ROWS_MAX,
  parityEvery: config.PARITY_EVERY,
  budgetMs: config.SCORING_BUDGET_MS,
  plans: () => plans,
  onReadiness: report,
});

/** Shows what this router has: to Prometheus, and to whoever reads router-status.v1. */
function report(): void {
  observe.versions(versions.figures());
  observe.lapsed([...plans.values()].filter((plan) => hasLapsed(plan, monotonicMs())).length);
  reporter?.report();
}

let hasBeenReady = false;

/** What the router waits for at start. Later a model that cannot answer is that model's trouble, not every model's. */
function waitsFor(): readonly string[] {
  if (stopping.signal.aborted) return ['stopping'];
  if (hasBeenReady) return [];
  const missing = waiting.size > 0 ? [...waiting] : unreadyStables(plans, versions.notReady);
  hasBeenReady = missing.length === 0;
  return missing;
}

/**
 * Resolves when the router can answer, or when the grace is over. Until then its port is closed: a client whose connection
 * is refused goes to another router, one that is answered 503 may not.
 */
async function untilReady(graceMs: number): Promise<void> {
  const deadlineMs = monotonicMs() + graceMs;
  while (waitsFor().length > 0 && monotonicMs() < deadlineMs && !stopping.signal.aborted) await delay(20);
}

/** The router answers as soon as it knows models and plans; which versions are ready shows per request. */
function openRouter(): Router {
  if (router !== undefined && !waiting.has('model-versions.v1') && !waiting.has('traffic.v1')) return router;
  throw new HttpProblem(503, `waiting for ${[...waiting].join(', ')}`, { retryAfterSeconds: 1 });
}

const app = await createApp({
  service: SERVICE,
  log,
  registry: metrics.registry,
  bodyLimitBytes: config.PREDICT_BODY_BYTES,
  requestTimeoutMs: config.REQUEST_TIMEOUT_MS,
  waitsFor,
  shortcut: createPredictShortcut({
    router: () => (stopping.signal.aborted ? undefined : router),
    bodyLimitBytes: config.PREDICT_BODY_BYTES,
    monotonicMs,
  }),
});
takeOnlyStrictJson(app);
stampArrival(app, monotonicMs);
const answerBulk = takeBulk(app, {
  log,
  monotonicMs,
  lineBytesMax: config.PREDICT_BODY_BYTES,
  linesAtOnce: config.BULK_LINES_MAX,
});
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
  messageLimitBytes: config.INFER_BODY_BYTES,
  softwareVersion: packageJson.version,
});

async function startRouting(): Promise<void> {
  const { kafka, codec, producer, partitions } = await openTopics({
    service: SERVICE,
    settings: config,
    topics: [...FOLLOWED_TOPICS, 'artefacts.v1', 'predictions.v1', 'router-status.v1'],
    log,
    nowMs: Date.now,
    signal: stopping.signal,
    onWait: (what) => (waiting = new Set([what])),
  });
  stops.add(() => producer.close());
  readArtefact = createArtefactReader({ kafka, codec, signal: stopping.signal });
  stops.add(() => {
    versions.close();
  });
  const self = instanceOf(config, hostname());
  const url =
    config.ADVERTISED_URL === ''
      ? `http://${config.HTTP_HOST}:${String(config.HTTP_PORT)}`
      : config.ADVERTISED_URL;
  const predictions = createPredictionLog({
    ports: {
      log,
      defer: setImmediate,
      gather: (work) => {
        setTimeout(work, config.PREDICTION_GATHER_MS);
      },
      pause: (ms) => delay(ms),
      send: producer.send,
      observe,
    },
    router: self,
    partitions,
    capacityBytes: config.PREDICTION_LOG_BYTES,
    record: { itemsMax: config.PREDICTION_RECORD_ITEMS, bytesMax: config.PREDICTION_RECORD_BYTES },
  });
  const status = createStatusReporter({
    router: self,
    url,
    models: versions.status,
    nowMs: Date.now,
    send: producer.send,
    log,
  });
  reporter = status;
  router = createRouter({
    versions,
    log: predictions,
    nowMs: Date.now,
    monotonicMs,
    directory: () => directory,
    plans: () => plans,
    newId: createIdSource(),
    textOf: asciiText,
    rowsMax: config.INFER_ROWS_MAX,
    observe,
  });
  waiting = new Set(FOLLOWED_TOPICS);
  const followers = followTopics({
    kafka,
    codec,
    log,
    onDirectory: (next) => {
      directory = next;
      versions.directoryChanged(next);
    },
    onPlan: (plan) => {
      const isPast = waiting.has('traffic.v1');
      const before = plans.get(plan.model)?.planVersion;
      plans = withPlan(plans, plan, { nowMs: Date.now(), monotonicMs: monotonicMs(), isPast });
      if (plans.get(plan.model)?.planVersion === before) return; // at most its lease was renewed
      observe.plan(plan.model, plan.planVersion);
      versions.directoryChanged(directory); // a retired version may have been kept for the plan before
      if (!isPast) report();
    },
    wantsSnapshot: versions.wants,
    onSnapshot: versions.take,
    onCaughtUp: (topic) => {
      waiting.delete(topic);
      if (waiting.size === 0) report();
    },
    onUndecodable: observe.undecodable,
  });
  stops.add(() => followers.stop());
  stops.add(() => status.leave());
  stops.add(async () => {
    await Promise.race([predictions.flush(), delay(config.FLUSH_TIMEOUT_MS)]);
    predictions.stop();
  });
  const ticker = setInterval(report, config.STATUS_INTERVAL_MS);
  stops.add(() => {
    clearInterval(ticker);
  });
}

await runService({
  log,
  stopTimeoutMs: config.STOP_TIMEOUT_MS,
  parts: [
    // Stopped in reverse: readiness goes off, requests under way are answered, then their predictions are written.
    { name: 'kafka', start: () => Promise.resolve(), stop: () => stops.stopAll() },
    {
      name: 'http',
      start: async () => {
        startRouting().catch((error: unknown) => {
          if (!stopping.signal.aborted) dieWith(log)(error);
        });
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
