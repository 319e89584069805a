import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { ShardView } from '../shard-view.ts';

/** What the routes ask of the service. */
export interface LearnerViews {
  /** Returns the shards of a model on this learner; empty when it owns none. */
  shardsOf(model: string): readonly ShardView[];
  /** Returns why the model's shard is stopped, if it is. */
  stoppedReason(model: string): string | undefined;
}

/** Adds `GET /v1/models/{model}/state`. */
export function learnerRoutes(app: FastifyInstance, views: LearnerViews): void {
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/state',
    {
      schema: {
        summary: 'Position, digest and versions of a model’s shards on this learner',
        params: {
          type: 'object',
          properties: { model: { type: 'string', maxLength: 63 } },
          required: ['model'],
        },
      },
    },
    ({ params }) => {
      const reason = views.stoppedReason(params.model);
      if (reason !== undefined) throw new HttpProblem(503, `shard stopped: ${reason}`);
      const shards = views.shardsOf(params.model);
      if (shards.length === 0)
        throw new HttpProblem(404, `this learner has no shard of model ${params.model}`);
      return { model: params.model, shards };
    },
  );
}
