import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import type { Tracing } from '../../../shared/observability/tracing.ts';
import type { Ingest, ItemResult } from '../service.ts';
import { itemsOfJson, itemsOfNdjson } from './read-items.ts';
import type { ItemLimits } from './read-items.ts';

const GROUP_SIZE = 500;
const RETRY_AFTER_SECONDS = 1;

/** What the routes need. */
export interface IngestRoutesDeps {
  /** Returns a model; undefined when it does not exist. Throws 503 while models are not known yet. */
  readonly model: (name: string) => ModelState | undefined;
  readonly ingest: () => Ingest;
  readonly limits: ItemLimits;
  readonly tracing: Tracing;
  /** Why items of a kind are not taken at the moment, if they are not. */
  readonly pushesBack: (kind: 'event' | 'label') => string | undefined;
}

function statusOf(items: readonly ItemResult[]): number {
  const accepted = items.filter(({ status }) => status === 'accepted').length;
  const failed = items.some(({ status }) => status === 'failed');
  if (accepted === items.length) return 202;
  if (failed && accepted === 0) return 503;
  return accepted > 0 || failed ? 207 : 400;
}

function sendResults(reply: FastifyReply, items: readonly ItemResult[]): FastifyReply {
  const status = statusOf(items);
  if (items.some((item) => item.status === 'failed'))
    reply.header('retry-after', String(RETRY_AFTER_SECONDS));
  const count = (wanted: ItemResult['status']): number =>
    items.filter((item) => item.status === wanted).length;
  const counts = { accepted: count('accepted'), rejected: count('rejected'), failed: count('failed') };
  if (status === 202 || status === 207) return reply.code(status).send({ ...counts, items });
  const first = items.find(({ status: one }) => one !== 'accepted');
  const detail =
    first === undefined || !('message' in first)
      ? ''
      : 'field' in first
        ? `${first.field}: ${first.message}`
        : first.message;
  return reply
    .code(status)
    .type('application/problem+json')
    .send({
      type: 'about:blank',
      title: status === 400 ? 'Bad request' : 'Unavailable',
      status,
      detail,
      ...counts,
      items,
    });
}

/** Adds `POST /v1/models/{model}/events` and `…/labels`. */
export function ingestRoutes(app: FastifyInstance, deps: IngestRoutesDeps): void {
  app.addContentTypeParser(['application/x-ndjson', 'application/ndjson'], (_request, payload, done) => {
    done(null, payload);
  });

  async function accept(
    kind: 'event' | 'label',
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    const { model: name } = request.params as { model: string };
    const model = deps.model(name);
    if (model === undefined) throw new HttpProblem(404, `model ${name} does not exist`);
    const reason = deps.pushesBack(kind);
    if (reason !== undefined) throw new HttpProblem(429, reason, { retryAfterSeconds: RETRY_AFTER_SECONDS });
    const given = traceparentOf(request.headers['traceparent']);
    const span = deps.tracing.begin(`accept ${kind}s`, 'server', given, {
      attributes: { 'headrace.model': name },
    });
    const trace = span?.traceparent ?? given;
    const isStream = request.headers['content-type']?.includes('ndjson') === true;
    const groups = isStream
      ? itemsOfNdjson(request.body as Readable, deps.limits, GROUP_SIZE)
      : [itemsOfJson(request.body, deps.limits)];
    const results: ItemResult[] = [];
    for await (const group of groups) {
      const result = await deps.ingest().accept(model, kind, group, trace);
      if (result.kind === 'full') {
        if (results.length === 0) {
          throw new HttpProblem(429, 'too many items wait for Kafka', {
            retryAfterSeconds: RETRY_AFTER_SECONDS,
          });
        }
        for (const _item of group)
          results.push({ index: results.length, status: 'failed', message: 'too many items wait for Kafka' });
        continue;
      }
      const first = results.length;
      for (const item of result.items) results.push({ ...item, index: first + item.index });
    }
    span?.end({ 'headrace.items': results.length });
    return sendResults(reply, results);
  }

  const params = {
    type: 'object',
    properties: { model: { type: 'string', maxLength: 63 } },
    required: ['model'],
  } as const;
  const consumes = ['application/json', 'application/x-ndjson'];
  app.post(
    '/v1/models/:model/events',
    { schema: { params, consumes, summary: 'Publish training events: one, an array, or NDJSON' } },
    (request, reply) => accept('event', request, reply),
  );
  app.post(
    '/v1/models/:model/labels',
    { schema: { params, consumes, summary: 'Tell the truth about predictions: one, an array, or NDJSON' } },
    (request, reply) => accept('label', request, reply),
  );
}
