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
import { parametersFault, withBinaryData } from './infer-parameters.ts';
import { INFER_OUTPUTS, SUBJECT_INPUT } from './infer-tensors.ts';
import type { InferInput, InferOutputName } from './infer-tensors.ts';
import { DATATYPES, decodeTensor } from './tensor-bytes.ts';

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
const OUTPUT_FIELDS = ['name', 'parameters'];
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

/** Returns the elements of a column given as raw bytes, flat, or, where the shape is [N, 1], each in an array of its own. */
function elementsOf(
  field: string,
  { data, shape, rows }: { readonly data: unknown; readonly shape: unknown; readonly rows: number },
  datatype: InferInput['datatype'],
): Parsed<readonly unknown[]> {
  if (data instanceof Uint8Array) {
    const decoded = decodeTensor(data, datatype, rows);
    return 'message' in decoded ? fault(field, decoded.message) : { value: decoded.data };
  }
  if (!Array.isArray(data)) return fault(field, `${shown(data)} is not an array`);
  if (data.length !== rows)
    return fault(field, `has ${String(data.length)} rows, the shape says ${String(rows)}`);
  const elements = data as readonly unknown[];
  const nested = elements.findIndex((one) => Array.isArray(one));
  if (nested < 0) return { value: elements };
  if ((shape as unknown[]).length === 1)
    return fault(`${field}[${String(nested)}]`, 'is an array, the shape has one dimension');
  const odd = elements.findIndex((one) => !Array.isArray(one) || one.length !== 1);
  if (odd >= 0)
    return fault(
      `${field}[${String(odd)}]`,
      `${shown(elements[odd])}, allowed an array of one element like the others`,
    );
  return { value: elements.map((one) => (one as unknown[])[0]) };
}

function parseInput(given: unknown, field: string, rowsMax: number): Parsed<InferInput> {
  if (!isObject(given)) return fault(field, `${shown(given)} is not an object`);
  const { name, datatype, data, shape } = given;
  const first = unknownField(given, INPUT_FIELDS) ?? textFault('name', name, 63);
  if (first !== undefined) return fault(`${field}.${first.field}`, first.message);
  const known = DATATYPES.find((one) => one === datatype);
  if (known === undefined)
    return fault(`${field}.datatype`, `${shown(datatype)}, allowed ${DATATYPES.join(', ')}`);
  const bad = parametersFault(`${field}.parameters`, given['parameters']);
  if (bad !== undefined) return { fault: bad };
  const rows = rowCount(`${field}.shape`, shape, rowsMax);
  if ('fault' in rows) return rows;
  const elements = elementsOf(`${field}.data`, { data, shape, rows: rows.value }, known);
  if ('fault' in elements) return elements;
  return { value: { name: name as string, datatype: known, data: elements.value } };
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

/** Returns the outputs asked for; undefined, which means all, also for an empty list: gRPC cannot tell it from none. */
function parseOutputs(given: unknown, isLogged: boolean): Parsed<readonly InferOutputName[] | undefined> {
  if (given === undefined) return { value: undefined };
  const allowed = `allowed ${INFER_OUTPUTS.join(', ')}, each once`;
  if (!Array.isArray(given) || given.length > INFER_OUTPUTS.length)
    return fault('outputs', `${shown(given)}, ${allowed}`);
  const names: InferOutputName[] = [];
  for (const [index, one] of (given as unknown[]).entries()) {
    const field = `outputs[${String(index)}]`;
    if (!isObject(one)) return fault(field, `${shown(one)} is not an object`);
    const extra = unknownField(one, OUTPUT_FIELDS);
    if (extra !== undefined) return fault(`${field}.${extra.field}`, extra.message);
    const bad = parametersFault(`${field}.parameters`, one['parameters']);
    if (bad !== undefined) return { fault: bad };
    const name = INFER_OUTPUTS.find((known) => known === one['name']);
    if (name === undefined || names.includes(name))
      return fault(`${field}.name`, `${shown(one['name'])}, ${allowed}`);
    if (name === 'prediction_id' && !isLogged)
      return fault(`${field}.name`, `prediction_id is there when the request has the input ${SUBJECT_INPUT}`);
    names.push(name);
  }
  return { value: names.length === 0 ? undefined : names };
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

/** A request as a transport hands it over. */
export interface InferBody {
  /** The parsed JSON; the data of an input may be the raw bytes of its tensor. */
  readonly body: unknown;
  /** What came after the JSON, for inputs with a `binary_data_size`. */
  readonly binary?: Uint8Array | undefined;
}

const NOTHING = new Uint8Array();

/**
 * Returns the request that a body is, or the first thing wrong with it. Every input is a column named as a feature; a
 * feature without one is missing in every row. The column `subject` names whom each row is about, unless the model has a
 * feature of that name.
 */
export function parseInfer(
  { body: given, binary = NOTHING }: InferBody,
  spec: ModelSpec,
  rowsMax: number,
): { readonly ask: InferAsk } | { readonly fault: ItemFault } {
  const whole = withBinaryData(given, binary);
  if ('fault' in whole) return whole;
  const { body } = whole;
  if (!isObject(body)) return fault('(body)', `${shown(body)} is not an object`);
  const { id } = body;
  const first =
    unknownField(body, FIELDS) ?? (id === undefined ? undefined : textFault('id', id, ID_LENGTH_MAX));
  const bad = first ?? parametersFault('parameters', body['parameters']);
  if (bad !== undefined) return { fault: bad };
  const inputs = parseInputs(body['inputs'], spec, rowsMax);
  if ('fault' in inputs) return inputs;
  const subjects = parseSubjects(inputs.value, spec);
  if ('fault' in subjects) return subjects;
  const outputs = parseOutputs(body['outputs'], subjects.value !== undefined);
  if ('fault' in outputs) return outputs;

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

/** Returns how many rows a body says that it has, without looking at anything else of it: 1 when that is no number. */
export function rowsOf(body: unknown): number {
  const inputs = isObject(body) ? body['inputs'] : undefined;
  const first: unknown = Array.isArray(inputs) ? inputs[0] : undefined;
  const shape = isObject(first) ? first['shape'] : undefined;
  const rows: unknown = Array.isArray(shape) ? shape[0] : undefined;
  return typeof rows === 'number' && rows >= 1 && Number.isInteger(rows) ? rows : 1;
}
