import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';

/** One row with its label, in the order of the features. */
export interface LabelledRow {
  readonly label: 0 | 1;
  readonly values: readonly (FeatureValue | undefined)[];
}

/** Reads rows out of text, one a call. */
export interface RowReader {
  /** Values of the row read last; the next call fills it again. Null where the text has none. */
  readonly values: FeatureValue[];
  /** Returns the label of the next row, or -1 after the last. */
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

/** A category of so many digits or fewer is read as a number. */
const PLAIN_DIGITS_MAX = 4;
const decoder = new TextDecoder();

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

/**
 * Returns a reader of lines that `formatRow` wrote. A category of up to four digits is a number, as producers send it; any
 * other is a string, of which there is one for each distinct one of up to 8 bytes, so that as a rule a row makes no string.
 */
export function createRowReader(spec: RowSpec, bytes: Uint8Array): RowReader {
  const values: FeatureValue[] = spec.features.map(() => null);
  const isNumeric = spec.features.map(({ type }) => type === 'numeric');
  const strings = createStringTable();
  const first = 'A'.charCodeAt(0);
  const length = bytes.length;
  const columns = values.length;
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

  function readCategory(): string | number {
    const from = at;
    let low = 0;
    let high = 0;
    for (let shift = 0; at < length; at++, shift += 8) {
      const byte = bytes[at] ?? SPACE;
      if (byte === SPACE || byte === LINE_END) break;
      if (shift < 32) low |= byte << shift;
      else high |= byte << (shift - 32);
    }
    const size = at - from;
    if (size > 8) return decoder.decode(bytes.subarray(from, at));
    if (size > PLAIN_DIGITS_MAX) return strings.get(low, high);
    const number = plainNumber(bytes, from, at);
    return number < 0 ? strings.get(low, high) : number;
  }

  return {
    values,
    next() {
      if (at >= length) return -1;
      for (let column = 0; column < columns; column++) values[column] = null;
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
        values[column] = isNumeric[column] === true ? readNumber() : readCategory();
      }
      at++;
      return label;
    },
  };
}

/** Returns the number that these digits are the usual way to write, or -1 when they are none. */
function plainNumber(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 1 && bytes[from] === ZERO) return -1;
  let number = 0;
  for (let at = from; at < to; at++) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** Strings of up to 8 bytes by their bytes, as two little-endian words: open addressing, at most half full. */
function createStringTable(): { get(low: number, high: number): string } {
  const texts: string[] = [''];
  const key = new Int32Array(2);
  const keyBytes = new Uint8Array(key.buffer);
  // Entries of four: low, high, place in texts (0 when free), nothing.
  let mask = 2 ** 12 - 1;
  let entries = new Int32Array(4 * (mask + 1));

  function placeOf(low: number, high: number): number {
    const hash = Math.imul(low ^ Math.imul(high, 0x85ebca6b), 0xc2b2ae35);
    let place = (hash ^ (hash >>> 15)) & mask;
    while (entries[4 * place + 2] !== 0 && (entries[4 * place] !== low || entries[4 * place + 1] !== high)) {
      place = (place + 1) & mask;
    }
    return 4 * place;
  }

  function put(low: number, high: number, text: number): void {
    const place = placeOf(low, high);
    entries[place] = low;
    entries[place + 1] = high;
    entries[place + 2] = text;
  }

  function grow(): void {
    const old = entries;
    mask = 2 * mask + 1;
    entries = new Int32Array(4 * (mask + 1));
    for (let at = 0; at < old.length; at += 4) {
      if (old[at + 2] !== 0) put(old[at] ?? 0, old[at + 1] ?? 0, old[at + 2] ?? 0);
    }
  }

  function add(low: number, high: number): string {
    key[0] = low;
    key[1] = high;
    const free = keyBytes.indexOf(0);
    const text = decoder.decode(free < 0 ? keyBytes : keyBytes.subarray(0, free));
    if (2 * texts.length > mask) grow();
    put(low, high, texts.length);
    texts.push(text);
    return text;
  }

  return {
    get(low, high) {
      const text = entries[placeOf(low, high) + 2] ?? 0;
      return text === 0 ? add(low, high) : (texts[text] ?? '');
    },
  };
}
