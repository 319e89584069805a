import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Report } from '../domain/report.ts';

/** What the routes need. */
export interface MonitorRoutesDeps {
  /** Returns a model's report, undefined when its shard is not here. Throws 503 while nothing is known yet. */
  readonly report: (model: string) => Promise<Report | undefined>;
  readonly stoppedReason: (model: string) => string | undefined;
}

/** Adds `GET /v1/models/{model}/report`. */
export function monitorRoutes(app: FastifyInstance, deps: MonitorRoutesDeps): void {
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/report',
    {
      schema: {
        summary:
          'What is measured of a model: quality per version and arm, latency, label delay, freshness, lag',
        params: {
          type: 'object',
          properties: { model: { type: 'string', maxLength: 63 } },
          required: ['model'],
        },
      },
    },
    async ({ params }) => {
      const reason = deps.stoppedReason(params.model);
      if (reason !== undefined) throw new HttpProblem(503, `shard stopped: ${reason}`);
      const report = await deps.report(params.model);
      if (report === undefined)
        throw new HttpProblem(404, `this monitor has measured nothing of model ${params.model}`);
      return report;
    },
  );
}
