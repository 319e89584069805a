import { createRouter } from './service.ts';
import type { Tracing } from './ports.ts';
import type { Router, RouterDeps } from './service.ts';

/** Returns a router of which every traced request is a span; what it leads to is below the span. */
export function createTracedRouter(deps: RouterDeps): Router {
  const router = createRouter(deps);
  const { tracing } = deps;
  type Ended = { readonly kind: string };
  const begin = (
    name: string,
    { model, traceparent }: { readonly model: string; readonly traceparent: string | undefined },
  ): ReturnType<Tracing['begin']> =>
    traceparent === undefined
      ? undefined
      : tracing.begin(name, 'server', traceparent, { attributes: { 'headrace.model': model } });
  const outcome = (result: Ended): Record<string, string | number> => {
    if (!('answer' in result)) return { 'headrace.outcome': result.kind };
    const answer = result.answer as { version?: number; predictionId?: string; snapshotPosition?: number };
    return {
      'headrace.outcome': result.kind,
      ...(answer.version === undefined ? {} : { 'headrace.version': answer.version }),
      ...(answer.predictionId === undefined ? {} : { 'headrace.prediction_id': answer.predictionId }),
      ...(answer.snapshotPosition === undefined
        ? {}
        : { 'headrace.snapshot_position': answer.snapshotPosition }),
    };
  };

  return {
    ...router,
    predictPlain(request, done) {
      const span = begin('predict', request);
      if (span === undefined) return router.predictPlain(request, done);
      return router.predictPlain({ ...request, traceparent: span.traceparent }, (result) => {
        span.end(outcome(result));
        done(result);
      });
    },
    async predict(request) {
      const span = begin('predict', request);
      if (span === undefined) return router.predict(request);
      const result = await router.predict({ ...request, traceparent: span.traceparent });
      span.end(outcome(result));
      return result;
    },
    async infer(request) {
      const span = begin('infer', request);
      if (span === undefined) return router.infer(request);
      const result = await router.infer({ ...request, traceparent: span.traceparent });
      span.end(outcome(result));
      return result;
    },
  };
}
