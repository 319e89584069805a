import { DURATION_BUCKETS } from '../../shared/observability/metrics.ts';
import type { Metrics } from '../../shared/observability/metrics.ts';
import type { RouterObserver } from './ports.ts';

const RUN_BUCKETS = [0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.25];
const ROW_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const FRESHNESS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30];

/** Returns the router's metrics behind the names the service uses. */
export function createRouterMetrics(metrics: Metrics): RouterObserver {
  const requests = metrics.counter(
    'headrace_router_requests_total',
    'Requests by how they ended: answered, fallback (answered by stable in place of the candidate), invalid, not-found or unavailable.',
    ['protocol', 'model', 'outcome'],
  );
  const duration = metrics.histogram(
    'headrace_router_request_duration_seconds',
    'Time from a request’s arrival to its answer.',
    DURATION_BUCKETS,
    ['protocol', 'model'],
  );
  const runs = metrics.histogram(
    'headrace_router_scoring_duration_seconds',
    'Time of one scoring run.',
    RUN_BUCKETS,
    ['model', 'version'],
  );
  const rows = metrics.histogram('headrace_router_scoring_rows', 'Rows of one scoring run.', ROW_BUCKETS, [
    'model',
    'version',
  ]);
  const failedRuns = metrics.counter('headrace_router_failed_runs_total', 'Scoring runs that threw.', [
    'model',
    'version',
  ]);
  const snapshots = metrics.counter(
    'headrace_router_snapshots_total',
    'Snapshots by what became of them: applied, superseded by a newer one before it was applied, stale, no-base, digest-mismatch, malformed, unloadable or parity-mismatch.',
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
  const buffered = metrics.gauge(
    'headrace_router_prediction_log_bytes',
    'Predictions on their way to Kafka.',
  );
  const undecodable = metrics.counter(
    'headrace_router_undecodable_records_total',
    'Records that could not be decoded.',
    ['topic'],
  );
  return {
    request(protocol, model, outcome, durationMs) {
      requests.inc({ protocol, model, outcome });
      duration.observe({ protocol, model }, durationMs / 1000);
    },
    run(model, version, count, durationMs) {
      const labels = { model, version };
      runs.observe(labels, durationMs / 1000);
      rows.observe(labels, count);
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
      for (const metric of [ready, age, runs, rows, failedRuns]) metric.remove({ model, version });
    },
    logDropped: (model, reason, count) => {
      dropped.inc({ model, reason }, count);
    },
    logBuffered: (bytes) => {
      buffered.set(bytes);
    },
    undecodable: (topic) => {
      undecodable.inc({ topic });
    },
  };
}
