/** The path of a model. */
export const modelParams = {
  type: 'object',
  properties: { model: { type: 'string', maxLength: 63 } },
  required: ['model'],
} as const;

/** The path of a version. */
export const versionParams = {
  type: 'object',
  properties: {
    model: { type: 'string', maxLength: 63 },
    version: { type: 'string', pattern: '^[1-9][0-9]{0,8}$' },
  },
  required: ['model', 'version'],
} as const;

const offset = { type: 'integer', minimum: 0 } as const;
const one = (name: string, value: object): object => ({
  type: 'object',
  additionalProperties: false,
  properties: { [name]: value },
  required: [name],
});

/** The body that registers a version. */
export const registerVersionBody = {
  type: 'object',
  additionalProperties: false,
  properties: {
    mode: { enum: ['cold', 'copy'] },
    parent: { type: 'integer', minimum: 1 },
    learner: { type: 'object' },
    from: {
      anyOf: [
        { type: 'string', enum: ['earliest'] },
        one('position', offset),
        one('timeMs', offset),
        one('milestone', offset),
      ],
    },
  },
} as const;

const listed = {
  type: 'array',
  items: { type: 'string', minLength: 1, maxLength: 256 },
  minItems: 1,
  maxItems: 1000,
} as const;

/** The targets of a traffic plan: what is left out keeps those of the plan before. */
export const targetsBody = {
  type: 'array',
  maxItems: 32,
  description: 'Who gets an arm whatever their place: listed subjects, or rows by the value of a feature.',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['arm'],
    properties: {
      arm: { type: 'string', enum: ['stable', 'candidate'] },
      subjects: listed,
      feature: { type: 'string', minLength: 1, maxLength: 63 },
      values: listed,
    },
  },
} as const;

/** The body that moves a stopped shard. */
export const positionBody = one('position', offset);

/** The body that registers both halves of a twin fork. */
export const registerTwinBody = {
  type: 'object',
  additionalProperties: false,
  properties: { parent: { type: 'integer', minimum: 1 }, learner: { type: 'object' } },
  required: ['learner'],
} as const;

const graphName = { type: 'string', minLength: 1, maxLength: 256 } as const;

/** The body that publishes a file. */
export const publishVersionBody = {
  type: 'object',
  additionalProperties: false,
  required: ['onnx', 'signature'],
  properties: {
    onnx: { type: 'string', minLength: 1, description: 'The file in base64.' },
    signature: {
      type: 'object',
      additionalProperties: false,
      required: ['inputs', 'output'],
      properties: {
        inputs: {
          type: 'array',
          minItems: 1,
          maxItems: 256,
          description: 'Every input of the graph: a tensor [N, F] for F features, a column each.',
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'features'],
            properties: {
              name: graphName,
              features: {
                type: 'array',
                minItems: 1,
                maxItems: 256,
                items: { type: 'string', minLength: 1, maxLength: 63 },
              },
            },
          },
        },
        output: {
          type: 'object',
          additionalProperties: false,
          required: ['name'],
          properties: {
            name: graphName,
            column: {
              type: 'integer',
              minimum: 0,
              maximum: 65_535,
              description:
                'Column of the probability of label 1; 1 when it is not said, 0 for a tensor of one number a row.',
            },
          },
        },
      },
    },
    probe: {
      type: 'object',
      description:
        'Features of a row that the file is tried with; zeros and empty strings when there is none.',
    },
  },
} as const;

/** The body that begins a rollout. */
export const startRolloutBody = {
  type: 'object',
  additionalProperties: false,
  properties: { version: { type: 'integer', minimum: 1 }, reason: { type: 'string', maxLength: 1024 } },
  required: ['version'],
} as const;

/** The body that promotes a rollout. */
export const promoteRolloutBody = one('to', { type: 'string', enum: ['next', 'full'] });

const EXTENSION_MAX_MS = 90 * 24 * 3_600_000;

/** The body that gives a rollout more time. */
export const extendRolloutBody = one('byMs', { type: 'integer', minimum: 1, maximum: EXTENSION_MAX_MS });
