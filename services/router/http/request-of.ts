import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { traceparentOf } from '../../../shared/domain/traceparent.ts';
import { parseWanted, VERSION_HEADER } from '../domain/wanted.ts';
import type { Refusal, Request } from '../service.ts';

/** After how long a request that could not be answered may be tried again. */
export const RETRY_AFTER_SECONDS = 1;

declare module 'fastify' {
  interface FastifyRequest {
    /** When the request came, by the monotonic clock, ms. */
    arrivedMs: number;
  }
}

const arrivals = new WeakMap<IncomingMessage, number>();

/** Remembers when a request came that its route will see later. */
export function noteArrival(request: IncomingMessage, atMs: number): void {
  arrivals.set(request, atMs);
}

/** Makes every request know when it came. */
export function stampArrival(app: FastifyInstance, monotonicMs: () => number): void {
  app.decorateRequest('arrivedMs', 0);
  app.addHook('onRequest', (request, _reply, done) => {
    request.arrivedMs = arrivals.get(request.raw) ?? monotonicMs();
    done();
  });
}

/**
 * Returns a request of HTTP as the service takes it; a trace context that is not one is left out. Throws HttpProblem 400
 * when its version header names nothing.
 */
export function requestOf(request: FastifyRequest, model: string): Request {
  const { body, arrivedMs, headers } = request;
  const parsed = parseWanted(headers[VERSION_HEADER]);
  if ('fault' in parsed) throw problemOf({ kind: 'invalid', fault: parsed.fault });
  return {
    model,
    body,
    wanted: parsed.wanted,
    arrivedMs,
    traceparent: traceparentOf(headers['traceparent']),
  };
}

/** Returns the problem that a refusal is to a client. */
export function problemOf(refusal: Refusal): HttpProblem {
  switch (refusal.kind) {
    case 'invalid':
      return new HttpProblem(400, `${refusal.fault.field}: ${refusal.fault.message}`, {
        faults: [refusal.fault],
      });
    case 'not-found':
      return new HttpProblem(404, refusal.reason);
    case 'unavailable':
      return new HttpProblem(503, refusal.reason, { retryAfterSeconds: RETRY_AFTER_SECONDS });
  }
}
