import type { Arm } from '../../../shared/domain/events.ts';
import type { FeatureType, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { Datatype } from './tensor-bytes.ts';

/** Outputs that a request may ask for. */
export const INFER_OUTPUTS = [
  'score',
  'version',
  'arm',
  'snapshot_position',
  'staleness_ms',
  'prediction_id',
] as const;
export type InferOutputName = (typeof INFER_OUTPUTS)[number];

/** Name of the input that says whom each row is about. */
export const SUBJECT_INPUT = 'subject';

/** One column of a request. */
export interface InferInput {
  readonly name: string;
  readonly datatype: Datatype;
  /** One value a row, not checked yet. */
  readonly data: readonly unknown[];
}

/** One column of an answer. */
export interface InferOutput {
  readonly name: InferOutputName;
  readonly datatype: Datatype;
  readonly shape: readonly [number];
  readonly data: readonly (number | string)[];
}

/** Name, element type and shape of a tensor, as metadata tells it. */
export interface TensorMetadata {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly [-1];
}

const INTEGERS: readonly Datatype[] = [
  'INT64',
  'INT32',
  'INT16',
  'INT8',
  'UINT64',
  'UINT32',
  'UINT16',
  'UINT8',
];

/** Element types that the values of a feature may come in, the one that metadata names first. */
export const DATATYPES_OF: Readonly<Record<FeatureType, readonly Datatype[]>> = {
  categorical: ['BYTES', ...INTEGERS],
  numeric: ['FP64', 'FP32', 'FP16', 'BF16', ...INTEGERS],
  boolean: ['BOOL'],
};

const COLUMN: readonly [-1] = [-1];

/** Returns the inputs of a model: its features, and the subject unless a feature has that name. */
export function inputMetadata({ features }: ModelSpec): readonly TensorMetadata[] {
  const columns = features.map(({ name, type }) => ({
    name,
    datatype: DATATYPES_OF[type][0] ?? 'BYTES',
    shape: COLUMN,
  }));
  if (features.some(({ name }) => name === SUBJECT_INPUT)) return columns;
  return [...columns, { name: SUBJECT_INPUT, datatype: 'BYTES', shape: COLUMN }];
}

const OUTPUT_DATATYPES: Readonly<Record<InferOutputName, Datatype>> = {
  score: 'FP32',
  version: 'INT32',
  arm: 'BYTES',
  snapshot_position: 'INT64',
  staleness_ms: 'INT64',
  prediction_id: 'BYTES',
};

/** Returns the outputs of a model; `prediction_id` is there when the request named subjects. */
export function outputMetadata(): readonly TensorMetadata[] {
  return INFER_OUTPUTS.map((name) => ({ name, datatype: OUTPUT_DATATYPES[name], shape: COLUMN }));
}

/** What rows were answered, a column an output; each is filled row by row. */
export interface InferColumns {
  readonly score: number[];
  readonly version: number[];
  readonly arm: Arm[];
  readonly snapshot_position: number[];
  readonly staleness_ms: number[];
  /** Empty where no predictions were logged. */
  readonly prediction_id: string[];
}

/** Returns columns for so many rows. */
export function openColumns(rows: number): InferColumns {
  return {
    score: new Array<number>(rows),
    version: new Array<number>(rows),
    arm: new Array<Arm>(rows),
    snapshot_position: new Array<number>(rows),
    staleness_ms: new Array<number>(rows),
    prediction_id: [],
  };
}

/** Returns the outputs of answered rows: those asked for, prediction ids only where predictions were logged. */
export function inferOutputs(
  columns: InferColumns,
  asked: readonly InferOutputName[] | undefined,
): readonly InferOutput[] {
  const isLogged = columns.prediction_id.length > 0;
  return INFER_OUTPUTS.filter(
    (name) => (asked === undefined || asked.includes(name)) && (isLogged || name !== 'prediction_id'),
  ).map((name) => ({
    name,
    datatype: OUTPUT_DATATYPES[name],
    shape: [columns.score.length],
    data: columns[name],
  }));
}
