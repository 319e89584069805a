import type { FastifyInstance } from 'fastify';
import { askedBy, knownModel, orThrow } from './asking.ts';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { modelParams, positionBody } from './version-schemas.ts';

/** Adds the routes by which an operator tells the learner of a model what to keep and where to go on. */
export function shardRoutes(
  app: FastifyInstance,
  deps: Pick<RegistryRoutesDeps, 'writable' | 'startOf'>,
): void {
  app.post<{ Params: { model: string } }>(
    '/v1/models/:model/milestones',
    { schema: { params: modelParams, summary: 'Ask the learner to keep its state as a milestone' } },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model } = request.params;
      orThrow(await registry.take({ kind: 'request-milestone', model }, askedBy(request)));
      return reply.code(202).send({ model });
    },
  );

  app.put<{ Params: { model: string }; Body: { position: number } }>(
    '/v1/models/:model/position',
    {
      schema: {
        params: modelParams,
        summary: 'Let a stopped shard go on at another offset of training-events.v1 with what it has learned',
        body: positionBody,
      },
    },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model } = request.params;
      knownModel(registry, model);
      const position = await deps.startOf(model, { position: request.body.position });
      orThrow(await registry.take({ kind: 'reposition-shard', model, position }, askedBy(request)));
      return reply.code(202).send({ model, position });
    },
  );
}
