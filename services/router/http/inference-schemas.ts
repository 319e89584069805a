import { DATATYPES, INFER_OUTPUTS } from '../domain/infer-tensors.ts';

const datatype = { type: 'string', enum: DATATYPES } as const;
const shape = { type: 'array', items: { type: 'integer' } } as const;

/** JSON schema of a request, for the OpenAPI description; the service checks. */
export const INFER_BODY_SCHEMA = {
  type: 'object',
  required: ['inputs'],
  properties: {
    id: { type: 'string', maxLength: 256, description: 'Echoed.' },
    parameters: { type: 'object', description: 'Ignored.' },
    inputs: {
      type: 'array',
      description: 'One column a feature, and optionally `subject`.',
      items: {
        type: 'object',
        required: ['name', 'shape', 'datatype', 'data'],
        properties: {
          name: { type: 'string' },
          shape: { ...shape, description: '[N] or [N, 1].' },
          datatype,
          parameters: { type: 'object', description: 'Ignored.' },
          data: {
            type: 'array',
            description: 'N values, flat or each in an array of its own; null is missing.',
          },
        },
      },
    },
    outputs: {
      type: 'array',
      description: 'Outputs wanted; default all.',
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', enum: INFER_OUTPUTS } },
      },
    },
  },
} as const;

/** JSON schema of an answer: also what serialises it. */
export const INFER_ANSWER_SCHEMA = {
  type: 'object',
  description: 'Scores, one a row.',
  properties: {
    model_name: { type: 'string' },
    model_version: {
      type: 'string',
      description: 'The version asked for, else stable; output `version` tells each row’s.',
    },
    id: { type: 'string' },
    outputs: {
      type: 'array',
      items: {
        type: 'object',
        properties: { name: { type: 'string' }, datatype, shape, data: { type: 'array', items: {} } },
      },
    },
  },
} as const;
