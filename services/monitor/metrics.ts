import type { SaveCost } from '../../shared/checkpoint/checkpoint-store.ts';
import type { Metrics } from '../../shared/observability/metrics.ts';
import type { Verdict } from '../../shared/domain/events.ts';
import type { VerdictEvidence } from '../../shared/domain/rollout.ts';
import type { Report } from './domain/report.ts';

/** What the monitor tells its metrics. */
export interface MonitorObserver {
  records(topic: string, result: 'handled' | 'skipped' | 'poison'): void;
  stopped(model: string, isStopped: boolean): void;
  saved(model: string, cost: SaveCost, seconds: number): void;
  report(report: Report): void;
  /** Takes a verdict that is published. */
  verdict(verdict: Verdict): void;
  /** Takes how many pages are followed now. */
  pages(open: number): void;
  pageDropped(): void;
}

/** Returns the monitor's metrics behind the names the service uses. */
export function createMonitorMetrics(metrics: Metrics): MonitorObserver {
  const records = metrics.counter(
    'headrace_monitor_records_total',
    'Records by topic and what became of them.',
    ['topic', 'result'],
  );
  const stopped = metrics.gauge(
    'headrace_monitor_stopped_shard',
    '1 while a shard is stopped because its state or log cannot be trusted.',
    ['model'],
  );
  const checkpoints = metrics.histogram(
    'headrace_monitor_checkpoint_duration_seconds',
    'Time to store a checkpoint.',
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    ['model'],
  );
  const lag = metrics.gauge('headrace_monitor_lag_records', 'Records not measured yet.', ['model', 'topic']);
  const freshness = metrics.gauge(
    'headrace_monitor_freshness_seconds',
    'From an event on Kafka to the first answer that has learned it.',
    ['model', 'quantile'],
  );
  const staleness = metrics.gauge(
    'headrace_monitor_staleness_seconds',
    'Age of the serving snapshot when it answered.',
    ['model', 'quantile'],
  );
  const delay = metrics.gauge(
    'headrace_monitor_label_delay_seconds',
    'From prediction to label, event time.',
    ['model', 'quantile'],
  );
  const labelled = metrics.gauge('headrace_monitor_labelled', 'Predictions whose label has come.', ['model']);
  const verdicts = metrics.counter('headrace_monitor_verdicts_total', 'Verdicts published, by value.', [
    'model',
    'value',
  ]);
  const logE = metrics.gauge(
    'headrace_monitor_log_e_nats',
    'Highest logarithm of the e-value of a stream so far, by what it would lead to.',
    ['model', 'stream', 'direction'],
  );
  const waiting = metrics.gauge(
    'headrace_monitor_waiting_pairs',
    'Pairs of a rollout whose label window has not closed yet.',
    ['model'],
  );
  const maturity = metrics.gauge(
    'headrace_monitor_maturity_rate',
    'Share of a rollout’s predictions that have counted as labelled pairs.',
    ['model'],
  );
  const pages = metrics.gauge('headrace_monitor_page_connections', 'Pages that follow the monitor.');
  const dropped = metrics.counter(
    'headrace_monitor_page_dropped_total',
    'Pages that were let go because they took nothing for 15 s.',
  );
  return {
    pages: (open) => {
      pages.set(open);
    },
    pageDropped: () => {
      dropped.inc();
    },
    verdict({ model, value, evidence }) {
      verdicts.inc({ model, value });
      const { streams, waiting: pairs, maturity: rate } = JSON.parse(evidence) as VerdictEvidence;
      waiting.set({ model }, pairs);
      maturity.set({ model }, rate);
      for (const { name: stream, rollback, promote } of streams) {
        if (rollback !== null) logE.set({ model, stream, direction: 'rollback' }, rollback.maxLogE);
        if (promote !== null) logE.set({ model, stream, direction: 'promote' }, promote.maxLogE);
      }
    },
    records: (topic, result) => {
      records.inc({ topic, result });
    },
    stopped: (model, isStopped) => {
      stopped.set({ model }, isStopped ? 1 : 0);
    },
    saved: (model, _cost, seconds) => {
      checkpoints.observe({ model }, seconds);
    },
    report(report) {
      const { model } = report;
      for (const [topic, value] of Object.entries(report.lag)) lag.set({ model, topic }, value);
      labelled.set({ model }, report.labels.labelled);
      const pairs = [
        [freshness, report.freshnessMs],
        [staleness, report.stalenessMs],
        [delay, report.labelDelayMs],
      ] as const;
      for (const [gauge, { p50, p99 }] of pairs) {
        if (p50 !== null) gauge.set({ model, quantile: '0.5' }, p50 / 1000);
        if (p99 !== null) gauge.set({ model, quantile: '0.99' }, p99 / 1000);
      }
    },
  };
}
