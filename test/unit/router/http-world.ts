import type { TestContext } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { takeBulk } from '../../../services/router/http/bulk-predict.ts';
import type { AnswerBulk } from '../../../services/router/http/bulk-predict.ts';
import { inferenceRoutes } from '../../../services/router/http/inference-routes.ts';
import { predictRoutes } from '../../../services/router/http/predict-routes.ts';
import { stampArrival } from '../../../services/router/http/request-of.ts';
import { takeOnlyStrictJson } from '../../../services/router/http/strict-json.ts';
import { createApp } from '../../../shared/http/app.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

/** Returns a router's app over a world in memory, version 1 served; before anything is known when it is not started. */
export async function open(
  t: TestContext,
  isStarted = true,
): Promise<{ app: FastifyInstance; world: RouterWorld }> {
  const world = createWorld();
  if (isStarted) await serve(world, 1, 0.1);
  const waitsFor = (): string[] => (isStarted ? [] : ['model-versions.v1']);
  const app = await createApp({
    service: 'router',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: 65_536,
    waitsFor,
  });
  const router = (): RouterWorld['router'] => {
    if (isStarted) return world.router;
    throw new HttpProblem(503, 'waiting for model-versions.v1', { retryAfterSeconds: 1 });
  };
  takeOnlyStrictJson(app);
  stampArrival(app, () => world.clock.nowMs);
  const answerBulk = takeSmallBulk(app, world);
  predictRoutes(app, { router, answerBulk });
  inferenceRoutes(app, { router, waitsFor, bodyLimitBytes: 1_048_576, softwareVersion: '1.2.3' });
  t.after(() => {
    app.server.closeAllConnections(); // a test that failed may have left one open
    return app.close();
  });
  return { app, world };
}

/** Posts JSON, or bytes as they are. */
export function post(
  app: FastifyInstance,
  url: string,
  payload: string | Buffer | object,
  headers: Record<string, string> = {},
) {
  return app.inject({
    method: 'POST',
    url,
    payload: payload as string,
    headers: { 'content-type': 'application/json', ...headers },
  });
}

/** Lets an app take predictions in bulk, with limits that a test reaches. */
export function takeSmallBulk(app: FastifyInstance, world: RouterWorld): AnswerBulk {
  return takeBulk(app, {
    log: silentLog,
    monotonicMs: () => world.clock.nowMs,
    lineBytesMax: 1024,
    linesAtOnce: 8,
  });
}
