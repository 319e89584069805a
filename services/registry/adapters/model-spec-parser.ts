import { Type } from 'typebox';
import { Settings } from 'typebox/system';
import type { TSchema } from 'typebox';
import Value from 'typebox/value';
import { parse as parseYaml } from 'yaml';
import { MODEL_NAME_PATTERN } from '../../../shared/domain/shard.ts';
import type { LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { messageOf } from '../../../shared/errors.ts';
import { specFaults } from '../domain/spec-faults.ts';
import type { SpecFault } from '../domain/spec-fault.ts';
import { rolloutPolicySchema } from './rollout-policy-schema.ts';

/** TypeBox stops at eight by itself. */
const FAULTS_MAX = 1000;
Settings.Set({ maxErrors: FAULTS_MAX });

const DAY_MS = 24 * 60 * 60 * 1000;
const FEATURE_NAME = Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$' });
const closed = { additionalProperties: false };

const learnerSchema = Type.Object(
  {
    kind: Type.Enum(['ftrl-logistic'], { default: 'ftrl-logistic' }),
    tableBits: Type.Integer({ minimum: 8, maximum: 24, default: 18 }),
    alpha: Type.Number({ exclusiveMinimum: 0, maximum: 100, default: 0.1 }),
    beta: Type.Number({ minimum: 0, maximum: 100, default: 1 }),
    l1: Type.Number({ minimum: 0, maximum: 1000, default: 0 }),
    l2: Type.Number({ minimum: 0, maximum: 1000, default: 0 }),
  },
  { ...closed, default: {} },
);

/** Shape of a model's spec. What is left out takes the default; relations between fields are `specFaults`. */
export const modelSpecSchema = Type.Object(
  {
    name: Type.String({ pattern: MODEL_NAME_PATTERN }),
    task: Type.Enum(['binary-classification'], { default: 'binary-classification' }),
    shards: Type.Integer({ minimum: 1, maximum: 1, default: 1 }),
    features: Type.Array(
      Type.Object({ name: FEATURE_NAME, type: Type.Enum(['categorical', 'numeric', 'boolean']) }, closed),
      { minItems: 1, maxItems: 256 },
    ),
    crosses: Type.Array(Type.Array(FEATURE_NAME, { minItems: 2, maxItems: 4 }), {
      maxItems: 64,
      default: [],
    }),
    label: Type.Object(
      {
        windowMs: Type.Integer({ minimum: 1000, maximum: 6 * DAY_MS, default: DAY_MS }),
        onWindowEnd: Type.Enum(['drop', 'default'], { default: 'drop' }),
        defaultLabel: Type.Enum([0, 1], { default: 0 }),
      },
      { ...closed, default: {} },
    ),
    learner: learnerSchema,
    snapshots: Type.Object(
      { minIntervalMs: Type.Integer({ minimum: 0, maximum: 60_000, default: 5 }) },
      { ...closed, default: {} },
    ),
    predictionLog: Type.Enum(['async', 'acknowledged'], { default: 'async' }),
    rollout: rolloutPolicySchema,
  },
  closed,
);

/** What parsing gives: a sound value, or every fault at once. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly SpecFault[] };

function parseText(text: string): Parsed<unknown> {
  try {
    return { ok: true, value: parseYaml(text, { maxAliasCount: 10 }) }; // JSON is YAML
  } catch (error) {
    return {
      ok: false,
      faults: [{ field: '(body)', message: messageOf(error).split('\n')[0] ?? 'cannot be parsed' }],
    };
  }
}

function shown(root: unknown, path: string): string {
  const value = path === '' ? root : Value.Pointer.Get(root, path);
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined || text.length > 60 ? '' : `${text} `;
}

function check<T>(schema: TSchema, given: unknown): Parsed<T> {
  const value = Value.Default(schema, Value.Clone(given));
  const faults = [...Value.Errors(schema, value)].map(({ instancePath, message, params }) => {
    const extra = (params as { additionalProperties?: string[] }).additionalProperties;
    const field = instancePath.slice(1).replaceAll('/', '.') || '(body)';
    return {
      field,
      message: `${shown(value, instancePath)}${message}${extra === undefined ? '' : `: ${extra.join(', ')}`}`,
    };
  });
  return faults.length > 0 ? { ok: false, faults } : { ok: true, value: value as T };
}

/** Returns the model spec of a YAML or JSON text with its defaults filled in, or every fault at once. */
export function parseModelSpec(text: string): Parsed<ModelSpec> {
  const parsed = parseText(text);
  if (!parsed.ok) return parsed;
  const checked = check<ModelSpec>(modelSpecSchema, parsed.value);
  if (!checked.ok) return checked;
  const faults = specFaults(checked.value);
  return faults.length > 0 ? { ok: false, faults } : checked;
}

/** Returns a learner configuration: what is given over what the model's spec says, or every fault at once. */
export function parseLearner(given: unknown, base: LearnerConfig): Parsed<LearnerConfig> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { ok: false, faults: [{ field: 'learner', message: 'must be an object' }] };
  }
  const checked = check<LearnerConfig>(learnerSchema, { ...base, ...given });
  if (checked.ok) return checked;
  return {
    ok: false,
    faults: checked.faults.map(({ field, message }) => ({ field: `learner.${field}`, message })),
  };
}
