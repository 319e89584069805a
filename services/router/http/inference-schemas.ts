import { INFER_OUTPUTS } from '../domain/infer-tensors.ts';
import { DATATYPES } from '../domain/tensor-bytes.ts';

const datatype = { type: 'string', enum: DATATYPES } as const;
const shape = { type: 'array', items: { type: 'integer' } } as const;

/** JSON schema of a request, for the OpenAPI description; the service checks. */
export const INFER_BODY_SCHEMA = {
  type: 'object',
  required: ['inputs'],
  properties: {
    id: { type: 'string', maxLength: 256, description: 'Echoed.' },
    parameters: {
      type: 'object',
      description: 'Strings, numbers and booleans; `binary_data_output`: all outputs as binary data.',
    },
    inputs: {
      type: 'array',
      description: 'One column a feature, and optionally `subject`.',
      items: {
        type: 'object',
        required: ['name', 'shape', 'datatype'],
        properties: {
          name: { type: 'string' },
          shape: { ...shape, description: '[N] or [N, 1].' },
          datatype,
          parameters: {
            type: 'object',
            description: '`binary_data_size`: so many of the bytes after the JSON, in place of `data`.',
          },
          data: {
            type: 'array',
            description: 'N values, flat or, with [N, 1], each in an array of its own; null is missing.',
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
        properties: {
          name: { type: 'string', enum: INFER_OUTPUTS },
          parameters: { type: 'object', description: '`binary_data`: this output as binary data.' },
        },
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
      description: 'The version that scored all rows, else stable; output `version` tells each row’s.',
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
