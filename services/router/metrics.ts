import { DURATION_BUCKETS } from '../../shared/observability/metrics.ts';
import type { Metrics } from '../../shared/observability/metrics.ts';
import type { Tally } from '../../shared/observability/tally-histogram.ts';
import type { RequestOutcome, RouterObserver } from './ports.ts';

const RUN_BUCKETS = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25];
const ROW_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const FRESHNESS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** What requests of one protocol for one model told. */
interface Asked {
  readonly ended: Map<RequestOutcome, number>;
  readonly duration: Tally;
}

/** Returns the router's metrics behind the names the service uses. */
export function createRouterMetrics(metrics: Metrics): RouterObserver {
  /** What requests told, by protocol and model. */
  const asked = { predict: new Map<string, Asked>(), infer: new Map<string, Asked>() };
  metrics.read({
    kind: 'counter',
    name: 'headrace_router_requests_total',
    help: 'Requests by how they ended: answered, fallback (answered by stable in place of the candidate), invalid, not-found or unavailable.',
    labelNames: ['protocol', 'model', 'outcome'],
    values: () =>
      Object.entries(asked).flatMap(([protocol, models]) =>
        [...models].flatMap(([model, { ended }]) =>
          [...ended].map(([outcome, value]) => ({ labels: { protocol, model, outcome }, value })),
        ),
      ),
  });
  const duration = metrics.tally({
    name: 'headrace_router_request_duration_seconds',
    help: 'Time from a request’s arrival to its answer.',
    buckets: DURATION_BUCKETS,
    labelNames: ['protocol', 'model'],
  });
  const runs = metrics.tally({
    name: 'headrace_router_scoring_duration_seconds',
    help: 'Time of one scoring run.',
    buckets: RUN_BUCKETS,
    labelNames: ['model', 'version'],
  });
  const rows = metrics.tally({
    name: 'headrace_router_scoring_rows',
    help: 'Rows of one scoring run.',
    buckets: ROW_BUCKETS,
    labelNames: ['model', 'version'],
  });
  const failedRuns = metrics.counter('headrace_router_failed_runs_total', 'Scoring runs that threw.', [
    'model',
    'version',
  ]);
  const snapshots = metrics.counter(
    'headrace_router_snapshots_total',
    'Snapshots by what became of them: applied, superseded by a newer one or applied together with it, known (a delta or full one that says what steps have said), stale, no-base, digest-mismatch, malformed, unloadable or parity-mismatch.',
    ['model', 'kind', 'result'],
  );
  const parity = metrics.counter(
    'headrace_router_parity_failures_total',
    'Snapshots whose golden rows scored differently here; never served.',
    ['model'],
  );
  const freshness = metrics.histogram(
    'headrace_router_snapshot_freshness_seconds',
    'Time from a snapshot’s publication to its being applied.',
    FRESHNESS_BUCKETS,
    ['model'],
  );
  const age = metrics.gauge(
    'headrace_router_snapshot_age_seconds',
    'Time since the applied snapshot was published.',
    ['model', 'version'],
  );
  const ready = metrics.gauge('headrace_router_version_ready', '1 when a version has verified parameters.', [
    'model',
    'version',
  ]);
  const readyCount = metrics.gauge('headrace_router_versions_ready', 'Versions with verified parameters.');
  const plan = metrics.gauge('headrace_router_plan_version', 'Traffic plan in force.', ['model']);
  const lapsed = metrics.gauge(
    'headrace_router_lapsed_leases',
    'Plans whose candidate answers nobody because nothing was heard of them for a whole lease.',
  );
  const dropped = metrics.counter(
    'headrace_router_predictions_dropped_total',
    'Predictions that were not logged: full, refused or stopped.',
    ['model', 'reason'],
  );
  let bufferedBytes = 0;
  metrics.read({
    kind: 'gauge',
    name: 'headrace_router_prediction_log_bytes',
    help: 'Predictions on their way to Kafka.',
    labelNames: [],
    values: () => [{ labels: {}, value: bufferedBytes }],
  });
  const undecodable = metrics.counter(
    'headrace_router_undecodable_records_total',
    'Records that could not be decoded.',
    ['topic'],
  );
  let admission = (): { underWay: number; limit: number; shed: number } => ({
    underWay: 0,
    limit: 0,
    shed: 0,
  });
  const readAdmission = (
    kind: 'gauge' | 'counter',
    of: 'underWay' | 'limit' | 'shed',
    [name, help]: [string, string],
  ): void => {
    const values = () => [{ labels: {}, value: admission()[of] }];
    metrics.read({ kind, name, help, labelNames: [], values });
  };
  readAdmission('gauge', 'underWay', [
    'headrace_router_requests_under_way',
    'Requests for predictions that have come and are not answered.',
  ]);
  readAdmission('gauge', 'limit', [
    'headrace_router_requests_limit',
    'Most of them that are let in at the moment.',
  ]);
  readAdmission('counter', 'shed', [
    'headrace_router_requests_shed_total',
    'Requests for predictions that were answered 503 because too many were under way.',
  ]);
  const fromCache = metrics.gauge(
    'headrace_router_serving_from_cache',
    '1 while models, plans and parameters are those of the disk cache, because Kafka has not spoken since the start.',
  );
  const cacheFiles = metrics.counter(
    'headrace_router_cache_files_total',
    'Files of the disk cache by what became of them: written, failed to be written, restored at a start, or refused then.',
    ['result'],
  );

  const run = new Map<string, { readonly durations: Tally; readonly rows: Tally }>();
  const runOf = (model: string, version: number): { readonly durations: Tally; readonly rows: Tally } => {
    const key = `${model}/${String(version)}`;
    const known = run.get(key);
    if (known !== undefined) return known;
    const made = { durations: runs.of(model, String(version)), rows: rows.of(model, String(version)) };
    run.set(key, made);
    return made;
  };
  return {
    request(protocol, model, outcome, durationMs) {
      let known = asked[protocol].get(model);
      if (known === undefined) {
        known = { ended: new Map<RequestOutcome, number>(), duration: duration.of(protocol, model) };
        asked[protocol].set(model, known);
      }
      known.ended.set(outcome, (known.ended.get(outcome) ?? 0) + 1);
      known.duration.observe(durationMs / 1000);
    },
    run(model, version, count, durationMs) {
      const tallies = runOf(model, version);
      tallies.durations.observe(durationMs / 1000);
      tallies.rows.observe(count);
    },
    failedRun: (model, version) => {
      failedRuns.inc({ model, version });
    },
    snapshot(model, kind, result) {
      snapshots.inc({ model, kind, result });
      if (result === 'parity-mismatch') parity.inc({ model });
    },
    freshness: (model, ms) => {
      freshness.observe({ model }, Math.max(0, ms) / 1000);
    },
    plan: (model, planVersion) => {
      plan.set({ model }, planVersion);
    },
    lapsed: (count) => {
      lapsed.set(count);
    },
    versions(figures) {
      readyCount.set(figures.filter(({ isReady }) => isReady).length);
      for (const { model, version, isReady, ageMs } of figures) {
        ready.set({ model, version }, isReady ? 1 : 0);
        if (ageMs !== undefined) age.set({ model, version }, ageMs / 1000);
      }
    },
    forgotten(model, version) {
      for (const metric of [ready, age, failedRuns]) metric.remove({ model, version });
      for (const tally of [runs, rows]) tally.remove(model, String(version));
      run.delete(`${model}/${String(version)}`);
    },
    logDropped: (model, reason, count) => {
      dropped.inc({ model, reason }, count);
    },
    logBuffered: (bytes) => {
      bufferedBytes = bytes;
    },
    undecodable: (topic) => {
      undecodable.inc({ topic });
    },
    admission: (figures) => {
      admission = figures;
    },
    source: (source) => {
      fromCache.set(source === 'cache' ? 1 : 0);
    },
    cacheFile: (result) => {
      cacheFiles.inc({ result });
    },
  };
}
