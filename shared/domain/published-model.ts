import type { FeatureSpec, FeatureValue } from './model-spec.ts';

/** Element type of an input of a published file. */
export type InputType = 'float32' | 'float64' | 'int64' | 'string' | 'bool';

/** An input of a published file: a tensor of one row a request, and as many columns as it has features. */
export interface PublishedInput {
  readonly name: string;
  readonly type: InputType;
  /** Features of the model's spec, a column each. */
  readonly features: readonly string[];
}

/** Where a published file says the probability of label 1. */
export interface PublishedOutput {
  readonly name: string;
  /** Column of the tensor, 0, 1 …; 0 for one that has a number a row. */
  readonly column: number;
}

/** How a published file is read and what it is: what the version log keeps beside the bytes in artefacts.v1. */
export interface PublishedModel {
  /** SHA-256 of the file, hex. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly inputs: readonly PublishedInput[];
  readonly output: PublishedOutput;
  /** A row in the order of the spec and what it scored when the file was checked: a router must score it alike. */
  readonly probe: { readonly row: readonly FeatureValue[]; readonly score: number };
}

/** Position that answers of a published version name: it has seen nothing of training-events.v1. */
export const PUBLISHED_POSITION = -1;

/** What a run of a published file is given for one input. */
export interface InputColumns {
  readonly name: string;
  readonly type: InputType;
  /** Row by row. */
  readonly data: Float32Array | Float64Array | BigInt64Array | Uint8Array | string[];
  readonly dims: readonly [rows: number, columns: number];
}

/** Which types of a graph's input take which kinds of feature. */
const TAKES: Readonly<Record<InputType, readonly FeatureSpec['type'][]>> = {
  float32: ['numeric', 'boolean'],
  float64: ['numeric', 'boolean'],
  int64: ['numeric', 'boolean'],
  string: ['categorical'],
  bool: ['boolean'],
};

/** Returns the kinds of feature that an input of a type takes; undefined when no feature goes into such a type. */
export function kindsOf(type: string): readonly FeatureSpec['type'][] | undefined {
  return Object.hasOwn(TAKES, type) ? TAKES[type as InputType] : undefined;
}

/**
 * Returns rows as the inputs of a published file. A missing value is NaN in a float, 0 in an integer, false in a bool and the
 * empty string in a string; a number in an integer loses its fraction.
 *
 * @param rows values in the order of `features`
 * @throws RangeError when an input names a feature that the model does not have
 */
export function inputColumns(
  inputs: readonly PublishedInput[],
  features: readonly FeatureSpec[],
  rows: readonly (readonly (FeatureValue | undefined)[])[],
): InputColumns[] {
  return inputs.map(({ name, type, features: wanted }) => {
    const columns = wanted.map((feature) => {
      const column = features.findIndex((one) => one.name === feature);
      if (column < 0) throw new RangeError(`input ${name}: ${feature} is no feature of the model`);
      return column;
    });
    const values = rows.flatMap((row) => columns.map((column) => row[column] ?? null));
    return { name, type, data: dataOf(type, values), dims: [rows.length, columns.length] };
  });
}

function dataOf(type: InputType, values: readonly FeatureValue[]): InputColumns['data'] {
  const numbers = (missing: number): number[] =>
    values.map((value) => (value === null ? missing : Number(value)));
  switch (type) {
    case 'float32':
      return Float32Array.from(numbers(NaN));
    case 'float64':
      return Float64Array.from(numbers(NaN));
    case 'int64':
      return BigInt64Array.from(numbers(0).map((value) => BigInt(Math.trunc(value))));
    case 'bool':
      return Uint8Array.from(numbers(0));
    case 'string':
      return values.map((value) => (value === null ? '' : String(value)));
  }
}
