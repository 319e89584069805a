import { after } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { parseLearner, parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';
import { registryRoutes } from '../../../services/registry/http/routes.ts';
import type { PublishedDeps } from '../../../services/registry/http/routes-deps.ts';
import { createRollouts } from '../../../services/registry/rollouts.ts';
import { createApp } from '../../../shared/http/app.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { silentObserver } from './registry-world.ts';
import type { RegistryWorld } from './registry-world.ts';

const apps: FastifyInstance[] = [];
after(() => Promise.all(apps.map((app) => app.close())));

/** An answer of the registry. */
export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Readonly<Record<string, unknown>>;
}
type Send = (
  method: 'GET' | 'POST' | 'PUT',
  url: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>;

const NOTHING_PUBLISHED: PublishedDeps = {
  fileBytesMax: 1024,
  check: () => Promise.resolve({ ok: false, faults: [] }),
  keep: () => Promise.resolve(),
};

/** Returns what sends requests to the registry's routes over a world in memory. */
export async function routesOf(
  world: RegistryWorld,
  writable = (): Promise<RegistryWorld['registry']> => Promise.resolve(world.registry),
  published: PublishedDeps = NOTHING_PUBLISHED,
): Promise<Send> {
  const app = await createApp({
    service: 'registry',
    log: silentLog,
    registry: createMetrics().registry,
    bodyLimitBytes: 4096,
    waitsFor: () => [],
  });
  apps.push(app);
  const rollouts = createRollouts({
    registry: world.registry,
    observe: silentObserver,
    log: silentLog,
    nowMs: () => world.clock.nowMs,
    positionOf: () => Promise.resolve(7),
    onFatal: (error) => {
      throw error;
    },
  });
  registryRoutes(app, {
    readable: () => world.registry,
    writable,
    rollouts: () => rollouts,
    parseModelSpec,
    parseLearner,
    startOf: () => Promise.resolve(7),
    published,
  });
  return async (method, url, body, headers = {}) => {
    const payload = body === undefined ? {} : { payload: body as string | object };
    const answer = await app.inject({ method, url, headers, ...payload });
    return {
      status: answer.statusCode,
      body: answer.json<Record<string, unknown>>(),
      headers: answer.headers,
    };
  };
}
