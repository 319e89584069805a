import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RegistryRoutesDeps } from './routes-deps.ts';
import { askedBy, knownModel, orThrow } from './asking.ts';
import { historyRoute } from './history-route.ts';
import { publishedRoute } from './published-route.ts';
import { rolloutRoutes } from './rollout-routes.ts';
import { shardRoutes } from './shard-routes.ts';
import { twinRoute } from './twin-route.ts';
import { sendRegistered } from './send-registered.ts';
import { valueOf } from './value-of.ts';
import type { TrafficTarget } from '../../../shared/domain/events.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import type { Command, WantedTraffic } from '../domain/commands.ts';
import { modeOf } from '../domain/start-from.ts';
import type { StartFrom } from '../domain/start-from.ts';
import type { Registry } from '../service.ts';
import { modelParams, registerVersionBody, targetsBody, versionParams } from './version-schemas.ts';
import { modelView, planView, validationOf, versionView } from './views.ts';

function ifMatch(request: FastifyRequest): number {
  const header = request.headers['if-match'];
  if (header === undefined)
    throw new HttpProblem(428, 'If-Match is required: send the ETag of the plan you have seen');
  const match = /^"(\d{1,15})"$/.exec(header);
  if (match === null)
    throw new HttpProblem(400, `If-Match ${header}, allowed the ETag of GET …/traffic, such as "12"`);
  return Number(match[1]);
}

/** The body of `PUT …/traffic`; a target has subjects, or a feature with values. */
type TrafficBody = Partial<Omit<WantedTraffic, 'targets'>> & {
  readonly targets?: readonly (Pick<TrafficTarget, 'arm'> & Partial<TrafficTarget>)[];
};

const nullableVersion = { type: ['integer', 'null'], minimum: 1 } as const;

const VERBS = {
  approve: 'Allow a version to get traffic',
  retire: 'End a version',
  resume: 'Let a halted version learn again',
} as const;
interface VersionBody {
  mode?: 'cold' | 'copy';
  parent?: number;
  learner?: object;
  from?: Exclude<StartFrom, 'end'>;
}

/** Adds the registry's routes. */
export function registryRoutes(app: FastifyInstance, deps: RegistryRoutesDeps): void {
  for (const type of [
    'application/json',
    'application/yaml',
    'application/x-yaml',
    'text/yaml',
    'text/plain',
  ]) {
    app.removeContentTypeParser(type);
  }
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'string' },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.addContentTypeParser(
    ['application/yaml', 'application/x-yaml', 'text/yaml', 'text/plain'],
    { parseAs: 'string' },
    (_request, body, done) => {
      done(null, body);
    },
  );

  app.post<{ Body: unknown }>(
    '/v1/models',
    { schema: { summary: 'Create a model from a spec in JSON or YAML' } },
    async (request, reply) => {
      const registry = await deps.writable();
      const text = typeof request.body === 'string' ? request.body : JSON.stringify(request.body);
      const spec = valueOf(deps.parseModelSpec(text));
      const result = await registry.take({ kind: 'create-model', model: spec.name, spec }, askedBy(request));
      orThrow(result);
      return reply
        .code(201)
        .header('location', `/v1/models/${spec.name}`)
        .send(modelView(knownModel(registry, spec.name)));
    },
  );

  app.get('/v1/models', { schema: { summary: 'All models' } }, () => ({
    models: [...deps.readable().directory().values()].map(modelView),
  }));

  app.get<{ Params: { model: string } }>(
    '/v1/models/:model',
    { schema: { params: modelParams, summary: 'One model' } },
    ({ params }) => modelView(knownModel(deps.readable(), params.model)),
  );

  historyRoute(app, deps);

  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/versions',
    { schema: { params: modelParams, summary: 'All versions of a model' } },
    ({ params }) => ({ versions: knownModel(deps.readable(), params.model).versions.map(versionView) }),
  );

  app.post<{ Params: { model: string }; Body: VersionBody }>(
    '/v1/models/:model/versions',
    {
      schema: {
        params: modelParams,
        summary: 'Register a version; its learner begins at once',
        body: registerVersionBody,
      },
    },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model: name } = request.params;
      const model = knownModel(registry, name);
      const { parent, learner = {}, from = 'end' } = request.body;
      if (from !== 'end' && request.body.mode !== undefined)
        throw new HttpProblem(422, `mode ${request.body.mode} with from, allowed only without`);
      const usual = model.versions.length === 0 ? 'cold' : 'copy';
      const mode = modeOf(from) ?? request.body.mode ?? usual;
      const source =
        mode === 'copy' || mode === 'milestone'
          ? model.versions.find(({ version }) => version === (parent ?? model.plan.stable))
          : undefined;
      const config = valueOf(deps.parseLearner(learner, source?.learner ?? model.spec.learner));
      const startPosition = await deps.startOf(name, from);
      const result = await registry.take(
        { kind: 'register-version', model: name, mode, parent, learner: config, startPosition },
        askedBy(request),
      );
      return sendRegistered(reply, registry, name, result);
    },
  );

  app.get<{ Params: { model: string; version: string } }>(
    '/v1/models/:model/versions/:version',
    { schema: { params: versionParams, summary: 'One version' } },
    ({ params }) => versionOf(deps.readable(), params),
  );

  for (const verb of ['approve', 'retire', 'resume'] as const) {
    app.post<{ Params: { model: string; version: string } }>(
      `/v1/models/:model/versions/:version/${verb}`,
      {
        schema: {
          params: versionParams,
          summary: VERBS[verb],
        },
      },
      async (request) => {
        const registry = await deps.writable();
        const version = Number(request.params.version);
        const command: Command = { kind: `${verb}-version`, model: request.params.model, version };
        orThrow(await registry.take(command, askedBy(request)));
        return versionOf(registry, request.params);
      },
    );
  }

  twinRoute(app, deps);
  publishedRoute(app, deps);
  shardRoutes(app, deps);
  rolloutRoutes(app, deps);

  const sendPlan = (registry: Registry, name: string, reply: FastifyReply): FastifyReply => {
    const { plan } = knownModel(registry, name);
    return reply.header('etag', `"${String(plan.planVersion)}"`).send(planView(plan));
  };

  app.get<{ Params: { model: string } }>(
    '/v1/models/:model/traffic',
    { schema: { params: modelParams, summary: 'The traffic plan in force, with its ETag' } },
    ({ params }, reply) => sendPlan(deps.readable(), params.model, reply),
  );

  app.put<{ Params: { model: string }; Body: TrafficBody }>(
    '/v1/models/:model/traffic',
    {
      schema: {
        params: modelParams,
        summary: 'Set the traffic plan; If-Match names the plan you have seen',
        body: {
          type: 'object',
          additionalProperties: false,
          properties: {
            stable: nullableVersion,
            candidate: nullableVersion,
            candidateWeightBp: { type: 'integer', minimum: 0, maximum: 10_000 },
            shadows: { type: 'array', items: { type: 'integer', minimum: 1 }, maxItems: 4 },
            salt: { type: 'string', minLength: 1, maxLength: 64 },
            targets: targetsBody,
          },
        },
      },
    },
    async (request, reply) => {
      const registry = await deps.writable();
      const { model: name } = request.params;
      const { plan } = knownModel(registry, name);
      const { stable = plan.stable, candidate = null, candidateWeightBp = 0, shadows, salt } = request.body;
      const targets = request.body.targets?.map(({ arm, subjects = [], feature = null, values = [] }) => {
        return { arm, subjects, feature, values };
      });
      const command: Command = {
        kind: 'set-traffic',
        model: name,
        wanted: { stable, candidate, candidateWeightBp, shadows, salt, targets },
        ifPlanVersion: ifMatch(request),
      };
      orThrow(await registry.take(command, askedBy(request)));
      return sendPlan(registry, name, reply);
    },
  );
}

function versionOf(registry: Registry, params: { model: string; version: string }): object {
  const found = knownModel(registry, params.model).versions.find(
    ({ version }) => version === Number(params.version),
  );
  if (found === undefined)
    throw new HttpProblem(404, `model ${params.model} has no version ${params.version}`);
  return { ...versionView(found), validation: validationOf(registry.history(params.model), found.version) };
}
