import type { FastifyInstance, FastifyReply } from 'fastify';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { HttpProblem } from '../../../shared/http/problem.ts';
import { EXTENSIONS, modelMetadata, SERVER_NAME } from '../domain/model-metadata.ts';
import { versionNumber } from '../domain/wanted.ts';
import type { Router } from '../service.ts';
import { sendInferAnswer, takeInferBodies } from './infer-body.ts';
import type { InferRequestBody } from './infer-body.ts';
import { INFER_ANSWER_SCHEMA, INFER_BODY_SCHEMA } from './inference-schemas.ts';
import { problemOf, requestOf } from './request-of.ts';

/** What the routes need. */
export interface InferenceRoutesDeps {
  /** Returns the router; throws 503 naming what it waits for. */
  readonly router: () => Router;
  /** Names of what the service still waits for; empty when it is ready. */
  readonly waitsFor: () => readonly string[];
  readonly bodyLimitBytes: number;
  /** Version of this software. */
  readonly softwareVersion: string;
}

interface Params {
  readonly model: string;
  readonly version?: string;
}

const MODEL_PATHS = ['/v2/models/:model', '/v2/models/:model/versions/:version'];

/** Adds the Open Inference Protocol v2 over HTTP. */
export function inferenceRoutes(app: FastifyInstance, deps: InferenceRoutesDeps): void {
  const { router } = deps;
  const params = {
    type: 'object',
    properties: { model: { type: 'string' }, version: { type: 'string' } },
  } as const;
  const describe = (summary: string): object => ({
    schema: { summary, params, tags: ['open inference protocol'] },
  });

  function known({ model: name, version }: Params): { model: ModelState; version: number | undefined } {
    const model = router().model(name);
    if (model === undefined) throw new HttpProblem(404, `model ${name} does not exist`);
    if (version === undefined) return { model, version: undefined };
    const number = versionNumber(version);
    if (!model.versions.some((one) => one.version === number)) {
      throw new HttpProblem(404, `model ${name} has no version ${version}`);
    }
    return { model, version: number };
  }

  app.get('/v2', describe('Name, version and extensions of this server'), () => ({
    name: SERVER_NAME,
    version: deps.softwareVersion,
    extensions: EXTENSIONS,
  }));
  app.get('/v2/health/live', describe('Whether the process lives'), () => ({ live: true }));
  app.get(
    '/v2/health/ready',
    describe('Whether every model with a stable version can be served'),
    (_request, reply) => {
      const waitsFor = deps.waitsFor();
      const ready = waitsFor.length === 0;
      return reply.code(ready ? 200 : 503).send(ready ? { ready } : { ready, waitsFor });
    },
  );

  function metadata(given: Params): object {
    const { model, version } = known(given);
    return modelMetadata(model, version);
  }

  function readiness(given: Params, reply: FastifyReply): FastifyReply {
    const { version } = known(given);
    const reason = router().notReady(given.model, version);
    const ready = reason === undefined;
    return reply.code(ready ? 200 : 503).send({ name: given.model, ready, ...(ready ? {} : { reason }) });
  }

  for (const path of MODEL_PATHS) {
    app.get<{ Params: Params }>(path, describe('Inputs and outputs'), (request) => metadata(request.params));
    app.get<{ Params: Params }>(`${path}/ready`, describe('Whether it can be served'), (request, reply) =>
      readiness(request.params, reply),
    );
  }

  void app.register((scope, _options, done) => {
    takeInferBodies(scope);
    for (const path of MODEL_PATHS) {
      scope.post<{ Params: Params; Body: InferRequestBody | undefined }>(
        `${path}/infer`,
        {
          bodyLimit: deps.bodyLimitBytes,
          schema: {
            summary: 'Scores of rows given as columns',
            tags: ['open inference protocol'],
            params,
            body: INFER_BODY_SCHEMA,
            response: { 200: INFER_ANSWER_SCHEMA },
          },
          validatorCompiler: () => () => true, // the service checks, in words that name the value and the limit
        },
        async (request, reply) => {
          const { version } = known(request.params);
          const given = request.body;
          const asked = requestOf(request, request.params.model);
          const result = await router().infer({ ...asked, ...given, wanted: version ?? asked.wanted });
          if (result.kind !== 'answered') throw problemOf(result);
          return sendInferAnswer(reply, result.answer, given?.body);
        },
      );
    }
    done();
  });
}
