import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import type { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';

/** One row with its label, in the order of the features. */
export interface LabelledRow {
  readonly label: 0 | 1;
  readonly values: readonly (FeatureValue | undefined)[];
}

/** Reads rows out of text, one a call. */
export interface RowReader {
  /** Hashes the next row with the reader's hasher and returns its label, or -1 after the last. */
  next(): number;
}

const PLAIN = 'f';
const LINE_END = 10;
const SPACE = 32;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;
const NINE = 57;
const COLON = 58;
const EQUALS = 61;
const BAR = 124;
/** Up to 15 digits a number is exact as a quotient of two exact numbers. */
const POWERS = Float64Array.from({ length: 16 }, (_, digits) => 10 ** digits);

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

/** Returns a reader of lines that `formatRow` wrote: names are hashed where they lie, as the learner hashes those of a record. */
export function createRowReader(spec: RowSpec, bytes: Uint8Array, hasher: RowHasher): RowReader {
  const isNumeric = Uint8Array.from(spec.features, ({ type }) => (type === 'numeric' ? 1 : 0));
  const columns = isNumeric.length;
  const first = 'A'.charCodeAt(0);
  const length = bytes.length;
  let at = 0;

  function readNumber(): number {
    const isNegative = bytes[at] === MINUS;
    if (isNegative) at++;
    let whole = 0;
    let decimals = -1;
    for (; at < length; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === POINT) decimals = 0;
      else if (byte >= ZERO && byte <= NINE) {
        whole = whole * 10 + (byte - ZERO);
        if (decimals >= 0) decimals++;
      } else break;
    }
    const value = decimals > 0 ? whole / (POWERS[decimals] ?? NaN) : whole;
    return isNegative ? -value : value;
  }

  return {
    next() {
      if (at >= length) return -1;
      hasher.clear();
      const label = bytes[at] === MINUS ? 0 : 1;
      at += label === 1 ? 2 : 3;
      while (at < length && bytes[at] !== LINE_END) {
        if (bytes[at] === SPACE || bytes[at] === BAR) {
          at++;
          continue;
        }
        const column = (bytes[at] ?? 0) - first;
        const next = bytes[++at];
        // The name of the shared namespace is nothing to read.
        if (column >= columns) continue;
        if (next === COLON || next === EQUALS || next === SPACE) at++;
        if (isNumeric[column] === 1) {
          hasher.setNumber(column, readNumber());
          continue;
        }
        const from = at;
        while (at < length && bytes[at] !== SPACE && bytes[at] !== LINE_END) at++;
        hasher.setBytes(column, bytes, from, at);
      }
      at++;
      hasher.finish();
      return label;
    },
  };
}
