import type { FastifyInstance } from 'fastify';
import { CLIENT_ID_LENGTH_MAX } from '../../../shared/domain/prediction-id.ts';
import { SUBJECT_LENGTH_MAX } from '../../../shared/domain/check-item.ts';
import { PROBLEM_SCHEMA } from '../../../shared/http/problem.ts';
import type { Router } from '../service.ts';
import { isBulk } from './bulk-predict.ts';
import type { AnswerBulk } from './bulk-predict.ts';
import { problemOf, requestOf } from './request-of.ts';

/** What the route needs. */
export interface PredictRoutesDeps {
  /** Returns the router; throws 503 naming what it waits for. */
  readonly router: () => Router;
  readonly answerBulk: AnswerBulk;
}

const BODY_SCHEMA = {
  type: 'object',
  required: ['subject', 'features'],
  additionalProperties: false,
  properties: {
    subject: {
      type: 'string',
      minLength: 1,
      maxLength: SUBJECT_LENGTH_MAX,
      description: 'Whom the prediction is about.',
    },
    features: {
      type: 'object',
      description: 'Values by name; what is left out or null is missing.',
      additionalProperties: { type: ['string', 'number', 'boolean', 'null'] },
    },
    id: {
      type: 'string',
      pattern: '^[\\x21-\\x7e]+$',
      maxLength: CLIENT_ID_LENGTH_MAX,
      description: 'The client’s own id; default a fresh one.',
    },
    predictedAtMs: {
      type: 'integer',
      minimum: 0,
      description: 'Event time, ms since the Unix epoch; default now.',
    },
  },
} as const;

const ANSWER_SCHEMA = {
  type: 'object',
  description: 'A prediction.',
  properties: {
    predictionId: { type: 'string' },
    model: { type: 'string' },
    version: { type: 'integer', description: 'Version whose score it is.' },
    score: { type: 'number', description: 'Probability of label 1, [0, 1].' },
    arm: { type: 'string', enum: ['stable', 'candidate'], description: 'Arm the subject was assigned to.' },
    snapshotPosition: { type: 'integer', description: 'Next event that the parameters have not seen.' },
    learnedToMs: { type: ['integer', 'null'], description: 'Event time of the newest event learned.' },
    stalenessMs: { type: 'integer', description: 'Time since the parameters were published.' },
    planVersion: { type: 'integer', description: 'Traffic plan in force.' },
  },
} as const;

/** Adds `POST /v1/models/{model}/predict`. */
export function predictRoutes(app: FastifyInstance, { router, answerBulk }: PredictRoutesDeps): void {
  const problem = { content: { 'application/problem+json': { schema: PROBLEM_SCHEMA } } };
  app.post<{ Params: { model: string } }>(
    '/v1/models/:model/predict',
    {
      schema: {
        summary: 'One prediction, answered from memory and logged; as application/x-ndjson one a line',
        params: { type: 'object', properties: { model: { type: 'string' } }, required: ['model'] },
        body: BODY_SCHEMA,
        response: { 200: ANSWER_SCHEMA, 400: problem, 404: problem, 503: problem },
      },
      validatorCompiler: () => () => true, // the service checks, in words that name the value and the limit
    },
    async (request, reply) => {
      if (isBulk(request)) return answerBulk(router(), request, reply);
      const result = await router().predict(requestOf(request, request.params.model));
      if (result.kind !== 'answered') throw problemOf(result);
      return result.answer;
    },
  );
}
