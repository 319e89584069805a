import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { knownModel } from './asking.ts';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { modelParams } from './version-schemas.ts';
import { eventView } from './views.ts';

const LAST_MAX = 1000;

/** Returns a whole number of a query; undefined when it is not given. Throws 400 naming what is allowed. */
function numberOf(name: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : NaN;
  if (!(value <= max)) throw new HttpProblem(400, `${name} ${text}, allowed 1 … ${String(max)}`);
  return value;
}

/** Adds `GET …/history`: all of it, or a page of it from its end or from an event backwards. */
export function historyRoute(app: FastifyInstance, deps: RegistryRoutesDeps): void {
  app.get<{ Params: { model: string }; Querystring: { last?: string; before?: string } }>(
    '/v1/models/:model/history',
    {
      schema: {
        params: modelParams,
        querystring: {
          type: 'object',
          properties: {
            last: {
              type: 'string',
              description: `The newest so many, 1 … ${String(LAST_MAX)}; all when left out.`,
            },
            before: { type: 'string', description: 'Only events with a smaller sequence than this.' },
          },
        },
        summary: 'Everything that happened to a model, oldest first',
      },
    },
    ({ params, query }) => {
      const registry = deps.readable();
      knownModel(registry, params.model);
      const last = numberOf('last', query.last, LAST_MAX);
      const before = numberOf('before', query.before, Number.MAX_SAFE_INTEGER);
      const all = registry.history(params.model);
      const until =
        before === undefined ? all.length : all.filter(({ sequence }) => sequence < before).length;
      const events = all.slice(Math.max(0, last === undefined ? 0 : until - last), until);
      return { model: params.model, count: all.length, events: events.map(eventView) };
    },
  );
}
