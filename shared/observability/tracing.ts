import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import type { Attributes, Context } from '@opentelemetry/api';

/** What a span is to the others of its trace. */
export type TraceKind = 'server' | 'producer' | 'consumer' | 'internal';

/** More about a span. */
export interface TraceOptions {
  readonly attributes?: Attributes;
  /** When it began, ms since the Unix epoch; default now. */
  readonly startMs?: number;
  /** W3C trace context of another span that it has to do with. */
  readonly link?: string | undefined;
}

/** A span that has begun. */
export interface TraceSpan {
  /** Its W3C trace context: what comes after it is given this one. */
  readonly traceparent: string;
  /** Ends it now, once. */
  end(attributes?: Attributes): void;
}

/** Spans of requests whose clients want them traced. */
export interface Tracing {
  /**
   * Begins a span below a W3C trace context. Returns undefined where nobody wants it: without a context, with one whose
   * client does not sample it, or without anywhere to send it.
   */
  begin(
    name: string,
    kind: TraceKind,
    parent: string | undefined,
    options?: TraceOptions,
  ): TraceSpan | undefined;
  /** Sends what has not been sent. */
  stop(): Promise<void>;
}

const STOP_LIMIT_MS = 2000;
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;
const KINDS = {
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
  internal: SpanKind.INTERNAL,
};

/** Returns the context that a sampled traceparent stands for. */
function contextOf(traceparent: string): Context | undefined {
  const [, traceId = '', spanId = '', flags = '0'] = TRACEPARENT.exec(traceparent) ?? [];
  if ((Number.parseInt(flags, 16) & TraceFlags.SAMPLED) === 0) return undefined;
  const of = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return trace.setSpanContext(ROOT_CONTEXT, of);
}

/** Traces nothing; a context that came with a request goes on with what it led to all the same. */
export const noTracing: Tracing = {
  begin: () => undefined,
  stop: () => Promise.resolve(),
};

/**
 * Returns what traces sampled requests to an OpenTelemetry collector, as OTLP over HTTP in JSON. Spans are sent by the way
 * and dropped when the collector is away or too slow: nothing waits for it.
 *
 * @param endpoint base address of the collector, as http://127.0.0.1:4318; empty: nothing is traced, nothing is loaded
 */
export async function createTracing(service: string, endpoint: string): Promise<Tracing> {
  if (endpoint === '') return noTracing;
  const [{ BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': `headrace-${service}` }),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: 500 })],
  });
  const tracer = provider.getTracer('headrace');
  return {
    begin(name, kind, parent, { attributes = {}, startMs, link } = {}) {
      const context = parent === undefined ? undefined : contextOf(parent);
      if (context === undefined) return undefined;
      const linked = link === undefined ? undefined : contextOf(link);
      const linkedTo = linked && trace.getSpanContext(linked);
      const span = tracer.startSpan(
        name,
        {
          kind: KINDS[kind],
          attributes,
          ...(startMs === undefined ? {} : { startTime: startMs }),
          ...(linkedTo === undefined ? {} : { links: [{ context: linkedTo }] }),
        },
        context,
      );
      const { traceId, spanId } = span.spanContext();
      return {
        traceparent: `00-${traceId}-${spanId}-01`,
        end(more = {}) {
          span.setAttributes(more);
          span.end();
        },
      };
    },
    async stop() {
      await provider.forceFlush({ timeoutMillis: STOP_LIMIT_MS }).catch(() => undefined);
      await provider.shutdown().catch(() => undefined);
    },
  };
}
