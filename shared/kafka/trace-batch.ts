import type { Outcome } from '../domain/outcome.ts';
import type { Tracing } from '../observability/tracing.ts';
import type { OutRecord } from './producer.ts';
import { withTrace } from './consumed.ts';
import type { RecordBatch, TypedRecord } from './record-batch.ts';

/** What the spans of a batch need. */
export interface TraceBatchDeps {
  readonly service: string;
  readonly tracing: Tracing;
  /** When the batch began to be handled, ms since the Unix epoch. */
  readonly beganMs: number;
}

/**
 * Ends a span for every traced record of a batch that was handled, and returns the batch with the spans in place of what the
 * records came with, so that what they led to is below them. Names and attributes are those of OpenTelemetry's messaging
 * conventions.
 */
export function traceBatch(
  { service, tracing, beganMs }: TraceBatchDeps,
  batch: RecordBatch,
  outcomes: readonly Outcome<OutRecord>[],
): RecordBatch {
  if (batch.records.every(({ source }) => source.traceparent === undefined)) return batch;
  const { topic, partition } = batch;
  const records = batch.records.map((record, index): TypedRecord => {
    const { source } = record;
    const outcome = outcomes[index]?.kind;
    if (outcome !== 'handled' && outcome !== 'poison') return record;
    const span = tracing.begin(`process ${topic}`, 'consumer', source.traceparent, {
      startMs: beganMs,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': topic,
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': source.offset,
        'headrace.service': service,
        'headrace.outcome': outcome,
      },
    });
    if (span === undefined) return record;
    span.end();
    return { ...record, source: withTrace(source, span.traceparent) };
  });
  return { ...batch, records };
}
