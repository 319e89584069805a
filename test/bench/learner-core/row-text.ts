import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';

/** One row with its label, in the order of the features. */
export interface LabelledRow {
  readonly label: 0 | 1;
  readonly values: readonly (FeatureValue | undefined)[];
}

const PLAIN = 'f';

/** Returns the letter that a column has in the text. */
function letterOf(column: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + column);
}

function isCrossed({ features, crosses }: RowSpec, column: number): boolean {
  return crosses.some((names) => names.includes(features[column]?.name ?? ''));
}

/** Returns the arguments by which Vowpal Wabbit makes the crosses of the spec: each crossed column is a namespace. */
export function crossArguments({ features, crosses }: RowSpec): string[] {
  return crosses.flatMap((names) => {
    const columns = names.map((name) => features.findIndex((feature) => feature.name === name));
    return ['--interactions', columns.map(letterOf).join('')];
  });
}

/**
 * Returns the row as a line of Vowpal Wabbit's text format: `1 |f A=red B:1.5 |C 16`. Columns of crosses are namespaces of
 * their own, the others share one. What is missing is left out.
 */
export function formatRow(spec: RowSpec, { label, values }: LabelledRow): string {
  let plain = '';
  let crossed = '';
  for (const [column, feature] of spec.features.entries()) {
    const value = values[column];
    if (value === undefined || value === null) continue;
    if (isCrossed(spec, column)) crossed += ` |${letterOf(column)} ${String(value)}`;
    else plain += ` ${letterOf(column)}${feature.type === 'numeric' ? ':' : '='}${String(value)}`;
  }
  return `${label === 1 ? '1' : '-1'} |${PLAIN}${plain}${crossed}`;
}
