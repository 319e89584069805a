import type { FastifyInstance, FastifyRequest } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { RolloutCommand } from '../domain/rollout/signals.ts';
import type { CommandResult } from '../service.ts';
import { askedBy, knownModel, orThrow } from './asking.ts';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { extendRolloutBody, modelParams, promoteRolloutBody, startRolloutBody } from './version-schemas.ts';
import { rolloutView } from './views.ts';

const VERBS = {
  pause: 'Let a rollout stay where it is; it can still be rolled back',
  resume: 'Let a paused rollout go on',
  abort: 'End a rollout under way; stable gets everything back',
  rollback: 'Give stable everything back; the candidate learns on and can be tried again',
  undo: 'Go back to the old stable after full, within the rollback window',
  close: 'End the rollback window after full',
} as const;

interface Ask<Body = unknown> {
  Params: { model: string };
  Body: Body;
}

/** Adds the routes by which operators follow and move a model's rollout. */
export function rolloutRoutes(app: FastifyInstance, deps: RegistryRoutesDeps): void {
  const url = '/v1/models/:model/rollout';
  const viewOf = (name: string): object =>
    rolloutView(deps.rollouts().view(knownModel(deps.readable(), name)));

  async function command(
    request: FastifyRequest<Ask>,
    wanted: RolloutCommand,
    reason?: string,
  ): Promise<CommandResult> {
    const registry = await deps.writable();
    const { model } = request.params;
    knownModel(registry, model);
    const asked = askedBy(request);
    const result = await deps.rollouts().command(model, wanted, { ...asked, reason: reason ?? asked.reason });
    orThrow(result);
    if (result.kind === 'ignored') throw new HttpProblem(409, `nothing is done: ${result.reason}`);
    return result;
  }

  app.get<Ask>(
    url,
    {
      schema: {
        params: modelParams,
        summary:
          'The newest rollout: where it stands, what it waits for, the newest verdict and its evidence',
      },
    },
    ({ params }) => viewOf(params.model),
  );

  app.post<Ask<{ version: number; reason?: string }>>(
    url,
    {
      schema: {
        params: modelParams,
        summary: 'Try a version: it is compared, gets traffic step by step, or goes back',
        body: startRolloutBody,
      },
    },
    async (request, reply) => {
      const { version, reason } = request.body;
      const result = await command(request, { kind: 'start', version }, reason);
      const isStarted = result.kind === 'recorded' && result.event.kind === 'RolloutStarted';
      return reply.code(isStarted ? 201 : 200).send(viewOf(request.params.model));
    },
  );

  app.post<Ask<{ to: 'next' | 'full' }>>(
    `${url}/promote`,
    {
      schema: {
        params: modelParams,
        summary: 'Go one stage further, or to full at once, without waiting for evidence',
        body: promoteRolloutBody,
      },
    },
    async (request) => {
      await command(request, { kind: 'promote', to: request.body.to });
      return viewOf(request.params.model);
    },
  );

  app.post<Ask<{ byMs: number }>>(
    `${url}/extend`,
    {
      schema: {
        params: modelParams,
        summary: 'Give the present stage, or the rollback window after full, more time',
        body: extendRolloutBody,
      },
    },
    async (request) => {
      await command(request, { kind: 'extend', byMs: request.body.byMs });
      return viewOf(request.params.model);
    },
  );

  for (const kind of ['pause', 'resume', 'abort', 'rollback', 'undo', 'close'] as const) {
    app.post<Ask>(
      `${url}/${kind}`,
      { schema: { params: modelParams, summary: VERBS[kind] } },
      async (request) => {
        await command(request, { kind });
        return viewOf(request.params.model);
      },
    );
  }
}
