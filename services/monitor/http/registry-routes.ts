import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { MODEL_NAME_PATTERN } from '../../../shared/domain/shard.ts';
import type { RegistryLink, RegistryQuestion } from '../ports.ts';
import { requireKnownHost, requireSameOrigin } from './page-guard.ts';

/** What passing on needs. */
export interface RegistryRoutesDeps {
  readonly hosts: ReadonlySet<string>;
  readonly ask: RegistryLink;
}

interface Commanded {
  readonly actor: string;
  readonly reason: string;
  readonly key?: string;
  readonly version?: number;
  readonly to?: 'next' | 'full';
  readonly byMs?: number;
}

const NAME = { type: 'string', pattern: MODEL_NAME_PATTERN } as const;
const NUMBER = { type: 'string', pattern: '^[1-9][0-9]{0,8}$' } as const;
const TEXT = '^[^\\u0000-\\u001f\\u007f]*$';

/** The body of a command: who, why, and what the command itself needs. */
const commandBody = {
  type: 'object',
  additionalProperties: false,
  required: ['actor', 'reason'],
  properties: {
    actor: { type: 'string', minLength: 1, maxLength: 64, pattern: TEXT },
    reason: { type: 'string', maxLength: 512, pattern: TEXT },
    key: { type: 'string', pattern: '^[A-Za-z0-9-]{8,64}$', description: 'Makes sending it again harmless.' },
    version: { type: 'integer', minimum: 1 },
    to: { type: 'string', enum: ['next', 'full'] },
    byMs: { type: 'integer', minimum: 1 },
  },
} as const;

const pageQuery = {
  type: 'object',
  properties: {
    last: { type: 'string', pattern: '^[1-9][0-9]{0,3}$' },
    before: { type: 'string', pattern: '^[1-9][0-9]{0,15}$' },
  },
} as const;

/** What a page may ask: paths as the registry has them, and nothing else. */
const QUESTIONS = ['/rollout', '/history', '/versions/:version'] as const;
const COMMANDS = [
  '/rollout',
  ...['promote', 'pause', 'resume', 'abort', 'rollback', 'undo', 'close', 'extend'].map(
    (verb) => `/rollout/${verb}`,
  ),
  '/versions/:version/approve',
] as const;

function paramsOf(path: string): object {
  const more = path.includes(':version') ? { version: NUMBER } : {};
  return { type: 'object', required: ['model'], properties: { model: NAME, ...more } };
}

/** Adds `/registry/v1/models/{model}/…`: a few routes of the registry on the page's own origin. */
export function registryRoutes(app: FastifyInstance, { hosts, ask }: RegistryRoutesDeps): void {
  async function pass(reply: FastifyReply, question: RegistryQuestion): Promise<FastifyReply> {
    const { status, type, text } = await ask(question);
    return reply.code(status).type(type).header('cache-control', 'no-store').send(text);
  }

  function pathOf(path: string, request: FastifyRequest): string {
    const { model = '', version = '' } = request.params as { model?: string; version?: string };
    return `/v1/models/${encodeURIComponent(model)}${path.replace(':version', encodeURIComponent(version))}`;
  }

  for (const path of QUESTIONS) {
    app.get<{ Querystring: { last?: string; before?: string } }>(
      `/registry/v1/models/:model${path}`,
      {
        schema: {
          params: paramsOf(path),
          ...(path === '/history' ? { querystring: pageQuery } : {}),
          summary: 'What the registry says, for the page',
        },
      },
      (request, reply) => {
        requireKnownHost(request, hosts);
        const asked = new URLSearchParams(request.query).toString();
        return pass(reply, {
          method: 'GET',
          path: `${pathOf(path, request)}${asked === '' ? '' : `?${asked}`}`,
        });
      },
    );
  }
  for (const path of COMMANDS) {
    app.post<{ Body: Commanded }>(
      `/registry/v1/models/:model${path}`,
      {
        schema: {
          params: paramsOf(path),
          body: commandBody,
          summary: 'A command of an operator, passed on to the registry; from a page of this server alone',
        },
        onRequest: (request, _reply, done) => {
          requireKnownHost(request, hosts);
          requireSameOrigin(request);
          done();
        },
      },
      (request, reply) => {
        const { actor, reason, key, ...body } = request.body;
        return pass(reply, {
          method: 'POST',
          path: pathOf(path, request),
          headers: {
            'headrace-actor': actor,
            'headrace-reason': reason,
            ...(key === undefined ? {} : { 'idempotency-key': key }),
          },
          ...(Object.keys(body).length === 0 ? {} : { body }),
        });
      },
    );
  }
}
