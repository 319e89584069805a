import type { FastifyInstance } from 'fastify';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Verdict } from '../../../shared/domain/events.ts';
import type { Report } from '../domain/report.ts';

/** What the routes need. */
export interface MonitorRoutesDeps {
  /** Returns a model's report, undefined when its shard is not here. Throws 503 while nothing is known yet. */
  readonly report: (model: string) => Promise<Report | undefined>;
  /**
   * Returns the verdict on a model's newest rollout, undefined when there is none here. Throws 503 while nothing is
   * known yet.
   */
  readonly verdict: (model: string) => Verdict | undefined;
  readonly stoppedReason: (model: string) => string | undefined;
}

/** Adds `GET /v1/models/{model}/report` and `…/verdict`. */
export function monitorRoutes(app: FastifyInstance, deps: MonitorRoutesDeps): void {
  const params = {
    type: 'object',
    properties: { model: { type: 'string', maxLength: 63 } },
    required: ['model'],
  };
  function refuseStopped(model: string): void {
    const reason = deps.stoppedReason(model);
    if (reason !== undefined) throw new HttpProblem(503, `shard stopped: ${reason}`);
  }

  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/report',
    {
      schema: {
        summary:
          'What is measured of a model: quality per version and arm, latency, label delay, freshness, lag',
        params,
      },
    },
    async ({ params: { model } }) => {
      refuseStopped(model);
      const report = await deps.report(model);
      if (report === undefined)
        throw new HttpProblem(404, `this monitor has measured nothing of model ${model}`);
      return report;
    },
  );
  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/verdict',
    {
      schema: {
        summary: 'The verdict as of now on the newest rollout of a model, with its evidence',
        params,
      },
    },
    ({ params: { model } }) => {
      refuseStopped(model);
      const verdict = deps.verdict(model);
      if (verdict === undefined)
        throw new HttpProblem(404, `this monitor has no evidence of a rollout of model ${model}`);
      return { ...verdict, evidence: JSON.parse(verdict.evidence) as unknown };
    },
  );
}
