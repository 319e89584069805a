import type { FastifyInstance } from 'fastify';
import { askedBy, knownModel, orThrow } from './asking.ts';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { valueOf } from './value-of.ts';
import { modelParams, registerTwinBody } from './version-schemas.ts';
import { versionView } from './views.ts';

/** Adds the route that forks a version twice: as a control, and as a candidate that differs in what is under test alone. */
export function twinRoute(app: FastifyInstance, deps: RegistryRoutesDeps): void {
  app.post<{ Params: { model: string }; Body: { parent?: number; learner: object } }>(
    '/v1/models/:model/versions/twin',
    {
      schema: {
        params: modelParams,
        summary:
          'Register a control and a candidate, copies of one parent that are born at the same position',
        body: registerTwinBody,
      },
    },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model: name } = request.params;
      const model = knownModel(registry, name);
      const { parent, learner } = request.body;
      const source = model.versions.find(({ version }) => version === (parent ?? model.plan.stable));
      const config = valueOf(deps.parseLearner(learner, source?.learner ?? model.spec.learner));
      const startPosition = await deps.startOf(name, 'end');
      const result = await registry.take(
        { kind: 'register-twin', model: name, parent, learner: config, startPosition },
        askedBy(request),
      );
      orThrow(result);
      const { versions } = knownModel(registry, name);
      const candidate = versions.find(
        (one) => result.kind === 'recorded' && one.version === result.event.version,
      );
      const control = versions.find(({ version }) => version === candidate?.twin?.of);
      const [first, second] = [control, candidate].map((one) =>
        one === undefined ? null : versionView(one),
      );
      return reply.code(201).send({ control: first, candidate: second });
    },
  );
}
