import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, smallEvent } from '../support/small-model.ts';
import { startSystem } from '../support/system.ts';
import type { StartedSystem } from '../support/system.ts';

const MODEL = 'traced';
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const CLIENT_SPAN = '00f067aa0ba902b7';
const LIMIT_MS = 30_000;

/** A span as the collector heard of it. */
interface HeardSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly startTimeUnixNano: string;
  readonly links?: readonly { readonly traceId: string }[];
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { attributes: readonly { key: string; value: { stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<HeardSpan, 'service'>[] }[];
  }[];
}

const heard: HeardSpan[] = [];
const collector = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const { resourceSpans } = JSON.parse(Buffer.concat(chunks).toString()) as Exported;
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
      for (const { spans } of scopeSpans) heard.push(...spans.map((span) => ({ ...span, service })));
    }
    response.setHeader('content-type', 'application/json').end('{}');
  });
});
await new Promise<void>((resolve) => {
  collector.listen(0, '127.0.0.1', resolve);
});
const endpoint = `http://127.0.0.1:${String((collector.address() as AddressInfo).port)}`;
const system: StartedSystem = await startSystem({ env: { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint } });
after(async () => {
  await system.stop();
  collector.close();
});

async function spansUntil(isThere: (spans: readonly HeardSpan[]) => boolean): Promise<readonly HeardSpan[]> {
  return waitUntil(
    () => {
      const spans = heard.filter(({ traceId }) => traceId === TRACE);
      if (!isThere(spans)) throw new Error(spans.map(({ name }) => name).join(', '));
      return spans;
    },
    { what: 'the trace to be complete', limitMs: LIMIT_MS, everyMs: 100 },
  );
}

async function predict(traceparent?: string): Promise<{ snapshotPosition: number; predictionId: string }> {
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('router')}/v1/models/${MODEL}/predict`,
    { subject: 'ada', features: { colour: 'red' } },
    traceparent === undefined ? {} : { traceparent },
  );
  assert.equal(status, 200);
  return body as { snapshotPosition: number; predictionId: string };
}

test('one trace goes from the client’s event through Kafka and the learner to the first prediction that learned it', async () => {
  await serveSmallModel(system, MODEL);
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/${MODEL}/events`,
    smallEvent(0),
    { traceparent: `00-${TRACE}-${CLIENT_SPAN}-01` },
  );
  assert.equal(status, 202);
  const { offset = 0 } = (body as { items: { offset?: number }[] }).items[0] ?? {};
  await waitUntil(
    async () => {
      const { snapshotPosition } = await predict();
      if (snapshotPosition <= offset) throw new Error(`${String(snapshotPosition)} of ${String(offset)}`);
    },
    { what: 'an answer that has learned it', limitMs: LIMIT_MS, everyMs: 20 },
  );
  const spans = await spansUntil((found) => found.some(({ name }) => name.startsWith('first prediction')));
  const accepted = spans.find(({ name }) => name === 'accept events');
  const learned = spans.find(
    ({ name, service }) => name === 'process training-events.v1' && service === 'headrace-online-learner',
  );
  const answered = spans.find(({ name }) => name === 'first prediction that learned it');
  assert.equal(accepted?.service, 'headrace-ingest');
  assert.equal(accepted.parentSpanId, CLIENT_SPAN);
  assert.equal(learned?.parentSpanId, accepted.spanId);
  assert.equal(answered?.service, 'headrace-router');
  assert.equal(answered.parentSpanId, accepted.spanId);
  assert.ok(BigInt(answered.startTimeUnixNano) >= BigInt(learned.startTimeUnixNano));
});

test('a prediction’s trace goes on with what becomes of it, and an unsampled one is only passed on', async () => {
  const before = heard.length;
  await predict(`00-${'d'.repeat(32)}-${CLIENT_SPAN}-00`);
  await predict(`00-${TRACE}-${CLIENT_SPAN}-01`);
  const spans = await spansUntil((found) => found.some(({ name }) => name === 'process predictions.v1'));
  const predicted = spans.find(({ name }) => name === 'predict');
  assert.equal(predicted?.service, 'headrace-router');
  assert.equal(predicted.parentSpanId, CLIENT_SPAN);
  const followed = spans.filter(({ name }) => name === 'process predictions.v1');
  for (const { parentSpanId } of followed) assert.equal(parentSpanId, predicted.spanId);
  assert.ok(heard.slice(before).every(({ traceId }) => traceId === TRACE));
});
