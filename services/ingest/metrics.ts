import type { Metrics } from '../../shared/observability/metrics.ts';
import type { IngestObserver } from './ports.ts';

/** Returns ingest's metrics behind the names the service uses. */
export function createIngestMetrics(metrics: Metrics): IngestObserver {
  const items = metrics.counter(
    'headrace_ingest_items_total',
    'Items of requests by kind and what became of them.',
    ['kind', 'result'],
  );
  const pushedBack = metrics.counter(
    'headrace_ingest_pushed_back_total',
    'Requests refused because too much waits.',
    ['kind'],
  );
  const joined = metrics.counter(
    'headrace_ingest_join_total',
    'What predictions and labels did in the join: open, early, joined, late, second, same, defaulted or dropped.',
    ['outcome'],
  );
  const bytes = metrics.gauge(
    'headrace_ingest_join_bytes',
    'Bytes of predictions that wait for their label, newest shard.',
  );
  const watermark = metrics.gauge(
    'headrace_ingest_watermark_seconds',
    'Event time up to which the join is complete.',
    ['model'],
  );
  return {
    items: (kind, result, count) => {
      if (count > 0) items.inc({ kind, result }, count);
    },
    pushedBack: (kind) => {
      pushedBack.inc({ kind });
    },
    joined: (outcome, count) => {
      if (count > 0) joined.inc({ outcome }, count);
    },
    joinBytes: (value) => {
      bytes.set(value);
    },
    watermark: (model, watermarkMs) => {
      watermark.set({ model }, watermarkMs / 1000);
    },
  };
}
