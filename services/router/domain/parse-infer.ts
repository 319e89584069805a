import {
  isObject,
  shown,
  SUBJECT_LENGTH_MAX,
  textFault,
  unknownField,
} from '../../../shared/domain/check-item.ts';
import type { ItemFault } from '../../../shared/domain/check-item.ts';
import type { FeatureValue, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { columnFault, columnValues } from './infer-column.ts';
import { DATATYPES, INFER_OUTPUTS, SUBJECT_INPUT } from './infer-tensors.ts';
import type { InferInput, InferOutputName } from './infer-tensors.ts';

/** A sound Open Inference Protocol request. */
export interface InferAsk {
  readonly id: string | undefined;
  /** Features in the order of the spec, one array a row. */
  readonly rows: readonly (readonly FeatureValue[])[];
  /** One subject a row; undefined when the request names none. */
  readonly subjects: readonly string[] | undefined;
  /** Outputs that were asked for; undefined means all. */
  readonly outputs: readonly InferOutputName[] | undefined;
}

type Parsed<T> = { readonly value: T } | { readonly fault: ItemFault };

const FIELDS = ['id', 'parameters', 'inputs', 'outputs'];
const INPUT_FIELDS = ['name', 'shape', 'datatype', 'parameters', 'data'];
const ID_LENGTH_MAX = 256;

function fault(field: string, message: string): { fault: ItemFault } {
  return { fault: { field, message } };
}

/** Returns the number of rows that a shape means, or what is wrong with it. */
function rowCount(field: string, shape: unknown, rowsMax: number): Parsed<number> {
  const isColumn = Array.isArray(shape) && (shape.length === 1 || (shape.length === 2 && shape[1] === 1));
  const rows: unknown = isColumn ? shape[0] : undefined;
  if (typeof rows !== 'number' || !Number.isInteger(rows))
    return fault(field, `${shown(shape)}, allowed [N] or [N, 1]`);
  return rows >= 1 && rows <= rowsMax
    ? { value: rows }
    : fault(field, `${String(rows)} rows, allowed 1 … ${String(rowsMax)}`);
}

function parseInput(given: unknown, field: string, rowsMax: number): Parsed<InferInput> {
  if (!isObject(given)) return fault(field, `${shown(given)} is not an object`);
  const { name, datatype, data } = given;
  const first = unknownField(given, INPUT_FIELDS) ?? textFault('name', name, 63);
  if (first !== undefined) return fault(`${field}.${first.field}`, first.message);
  const known = DATATYPES.find((one) => one === datatype);
  if (known === undefined)
    return fault(`${field}.datatype`, `${shown(datatype)}, allowed ${DATATYPES.join(', ')}`);
  const rows = rowCount(`${field}.shape`, given['shape'], rowsMax);
  if ('fault' in rows) return rows;
  if (!Array.isArray(data)) return fault(`${field}.data`, `${shown(data)} is not an array`);
  if (data.length !== rows.value) {
    return fault(`${field}.data`, `has ${String(data.length)} rows, the shape says ${String(rows.value)}`);
  }
  return { value: { name: name as string, datatype: known, data: data.map(unnested) } };
}

function unnested(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? (value as unknown[])[0] : value;
}

function parseInputs(given: unknown, spec: ModelSpec, rowsMax: number): Parsed<readonly InferInput[]> {
  const most = spec.features.length + 1;
  if (!Array.isArray(given) || given.length < 1 || given.length > most) {
    const found = Array.isArray(given) ? `${String(given.length)} inputs` : shown(given);
    return fault('inputs', `${found}, allowed 1 … ${String(most)} inputs`);
  }
  const inputs: InferInput[] = [];
  for (const [index, one] of (given as unknown[]).entries()) {
    const parsed = parseInput(one, `inputs[${String(index)}]`, rowsMax);
    if ('fault' in parsed) return parsed;
    const { name, data } = parsed.value;
    const isKnown = name === SUBJECT_INPUT || spec.features.some((feature) => feature.name === name);
    if (!isKnown)
      return fault(
        `inputs[${String(index)}].name`,
        `${shown(name)} is not a feature of the model, nor "${SUBJECT_INPUT}"`,
      );
    if (inputs.some((input) => input.name === name))
      return fault(`inputs[${String(index)}].name`, `${shown(name)} comes twice`);
    const rows = inputs[0]?.data.length ?? data.length;
    if (data.length !== rows) {
      return fault(
        `inputs[${String(index)}].shape`,
        `${String(data.length)} rows, the inputs before have ${String(rows)}`,
      );
    }
    inputs.push(parsed.value);
  }
  return { value: inputs };
}

function parseOutputs(given: unknown): Parsed<readonly InferOutputName[] | undefined> {
  if (given === undefined) return { value: undefined };
  const allowed = `allowed ${INFER_OUTPUTS.join(', ')}`;
  if (!Array.isArray(given) || given.length > INFER_OUTPUTS.length)
    return fault('outputs', `${shown(given)}, ${allowed}`);
  const names = (given as unknown[]).map((one) =>
    INFER_OUTPUTS.find((name) => isObject(one) && one['name'] === name),
  );
  const bad = names.indexOf(undefined);
  if (bad >= 0) return fault(`outputs[${String(bad)}].name`, `${shown(given[bad])}, ${allowed}`);
  return { value: names.filter((name) => name !== undefined) };
}

function parseSubjects(
  inputs: readonly InferInput[],
  spec: ModelSpec,
): Parsed<readonly string[] | undefined> {
  const isFeature = spec.features.some(({ name }) => name === SUBJECT_INPUT);
  const input = isFeature ? undefined : inputs.find(({ name }) => name === SUBJECT_INPUT);
  if (input === undefined) return { value: undefined };
  if (input.datatype !== 'BYTES')
    return fault(`inputs.${SUBJECT_INPUT}.datatype`, `${input.datatype}, allowed BYTES`);
  for (const [row, subject] of input.data.entries()) {
    const found = textFault(`inputs.${SUBJECT_INPUT}.data[${String(row)}]`, subject, SUBJECT_LENGTH_MAX);
    if (found !== undefined) return { fault: found };
  }
  return { value: input.data as readonly string[] };
}

/**
 * Returns the request that a parsed JSON body is, or the first thing wrong with it. Every input is a column named as a
 * feature; a feature without one is missing in every row. The column `subject` names whom each row is about, unless the
 * model has a feature of that name.
 */
export function parseInfer(
  body: unknown,
  spec: ModelSpec,
  rowsMax: number,
): { readonly ask: InferAsk } | { readonly fault: ItemFault } {
  if (!isObject(body)) return fault('(body)', `${shown(body)} is not an object`);
  const { id } = body;
  const first =
    unknownField(body, FIELDS) ?? (id === undefined ? undefined : textFault('id', id, ID_LENGTH_MAX));
  if (first !== undefined) return { fault: first };
  const inputs = parseInputs(body['inputs'], spec, rowsMax);
  if ('fault' in inputs) return inputs;
  const outputs = parseOutputs(body['outputs']);
  if ('fault' in outputs) return outputs;
  const subjects = parseSubjects(inputs.value, spec);
  if ('fault' in subjects) return subjects;

  const columns = spec.features.map(({ name }) => inputs.value.find((input) => input.name === name));
  for (const [column, feature] of spec.features.entries()) {
    const input = columns[column];
    const found = input === undefined ? undefined : columnFault(input, feature);
    if (found !== undefined) return { fault: found };
  }
  const values = columns.map((input) => (input === undefined ? undefined : columnValues(input)));
  const rows = Array.from({ length: inputs.value[0]?.data.length ?? 0 }, (_, row) =>
    values.map((column) => column?.[row] ?? null),
  );
  return { ask: { id: id as string | undefined, rows, subjects: subjects.value, outputs: outputs.value } };
}
