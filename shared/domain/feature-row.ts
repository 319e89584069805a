import type { FeatureSpec, FeatureValue } from './model-spec.ts';

/** Longest value of a categorical feature, UTF-16 code units. */
export const CATEGORICAL_LENGTH_MAX = 256;

/**
 * Returns the first fault of a row as a sentence with the feature, the value and what is allowed, or undefined when the row
 * is sound. Null and undefined are missing values, which are always allowed.
 *
 * @param row values in the order of `features`
 */
export function checkRow(
  row: readonly (FeatureValue | undefined)[],
  features: readonly FeatureSpec[],
): string | undefined {
  if (row.length !== features.length) {
    return `row has ${String(row.length)} values, allowed ${String(features.length)}`;
  }
  for (const [column, feature] of features.entries()) {
    const found = valueFault(row[column], feature);
    if (found !== undefined) return `feature ${feature.name}: ${found}`;
  }
  return undefined;
}

/** Returns what is wrong with the value of a feature, the value and what is allowed, or undefined. */
export function valueFault(value: FeatureValue | undefined, { type }: FeatureSpec): string | undefined {
  if (value === null || value === undefined) return undefined;
  const allowed = violatedRule(value, type);
  return allowed === undefined ? undefined : `${describe(value)}, allowed ${allowed}`;
}

function violatedRule(value: string | number | boolean, type: FeatureSpec['type']): string | undefined {
  switch (type) {
    case 'numeric':
      return Number.isFinite(value) ? undefined : 'a finite number';
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'true or false';
    case 'categorical':
      if (typeof value === 'string') {
        const max = CATEGORICAL_LENGTH_MAX;
        return value.length <= max ? undefined : `a string of at most ${String(max)} characters`;
      }
      return Number.isSafeInteger(value) ? undefined : 'a string or a safe integer';
  }
}

function describe(value: string | number | boolean): string {
  if (typeof value !== 'string') return `${typeof value} ${String(value)}`;
  const shown = JSON.stringify(value.slice(0, 32));
  return value.length > 32 ? `string ${shown}… of ${String(value.length)} characters` : `string ${shown}`;
}
