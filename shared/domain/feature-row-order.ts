import type { FeatureSpec, FeatureValue } from './model-spec.ts';

/** Where the columns of a record go in a row of the spec. */
export interface RowOrder {
  /** For each feature of the spec the record's column, or -1 when the record lacks it. */
  readonly columns: Int32Array;
  /** How many names the record has. */
  readonly nameCount: number;
  /** How many of the record's names were not used: unknown to the spec, or repeated. */
  readonly ignoredNames: number;
}

/** Returns how rows under this header become rows in spec order; made once a record. The first of equal names counts. */
export function rowOrderOf(names: readonly string[], features: readonly FeatureSpec[]): RowOrder {
  const columns = Int32Array.from(features, (feature) => names.indexOf(feature.name));
  const used = columns.reduce((count, column) => (column < 0 ? count : count + 1), 0);
  return { columns, nameCount: names.length, ignoredNames: names.length - used };
}

/** Writes a record's values into `row` in spec order; what is missing becomes null. Allocates nothing. */
export function arrangeRow(
  order: RowOrder,
  values: readonly (FeatureValue | undefined)[],
  row: FeatureValue[],
): void {
  const { columns } = order;
  for (let feature = 0; feature < columns.length; feature++) {
    const column = columns[feature] ?? -1;
    row[feature] = column < 0 ? null : (values[column] ?? null);
  }
}
