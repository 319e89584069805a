import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RecordBatch, TypedRecord } from '../../../shared/kafka/record-batch.ts';
import { traceBatch } from '../../../shared/kafka/trace-batch.ts';
import type { Tracing } from '../../../shared/observability/tracing.ts';

const CLIENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const SPAN = `00-${'a'.repeat(32)}-${'c'.repeat(16)}-01`;

function batchOf(traceparents: readonly (string | undefined)[]): RecordBatch {
  const records = traceparents.map((traceparent, offset) => ({
    topic: 'labels.v1',
    value: {},
    source: { topic: 'labels.v1', partition: 3, offset, key: null, value: null, timestampMs: 0, traceparent },
  }));
  return {
    topic: 'labels.v1',
    partition: 3,
    records: records as unknown as TypedRecord[],
    nextOffset: records.length,
    highWatermark: records.length,
  };
}

test('a traced record that was handled is a span, and what it led to is below it', () => {
  const begun: unknown[] = [];
  let ended = 0;
  const tracing: Tracing = {
    begin(name, kind, parent, options) {
      begun.push([name, kind, parent, options?.startMs, options?.attributes?.['messaging.kafka.offset']]);
      return parent === undefined ? undefined : { traceparent: SPAN, end: () => (ended += 1) };
    },
    stop: () => Promise.resolve(),
  };
  const deps = { service: 'ingest', tracing, beganMs: 7 };
  const batch = batchOf([undefined, CLIENT, CLIENT]);
  const traced = traceBatch(deps, batch, [
    { kind: 'handled', emit: [] },
    { kind: 'handled', emit: [] },
    { kind: 'skipped', reason: 'already-taken' },
  ]);
  assert.deepEqual(
    traced.records.map(({ source }) => source.traceparent),
    [undefined, SPAN, CLIENT],
  );
  assert.deepEqual(begun, [
    ['process labels.v1', 'consumer', undefined, 7, 0],
    ['process labels.v1', 'consumer', CLIENT, 7, 1],
  ]);
  assert.equal(ended, 1);
  const untraced = batchOf([undefined]);
  assert.equal(traceBatch(deps, untraced, [{ kind: 'handled', emit: [] }]), untraced);
});
