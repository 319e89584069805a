// Reads lines that `formatRow` wrote into hashed rows: what reader/reader.ts is for Avro, for the text that Vowpal Wabbit reads.
import { grow, take } from '../../../../services/online-learner/kernel/memory';
import { ROWS_MAX } from '../../../../services/online-learner/kernel/row-layout';
import {
  beginRow,
  endRow,
  kindOf,
  layOut,
  NUMERIC,
  setNumber,
  setText,
} from '../../../../services/online-learner/kernel/reader/rows';

export * from '../../../../services/online-learner/kernel/reader/tables';

const LINE_END: u8 = 10;
const SPACE: u8 = 32;
const MINUS: u8 = 45;
const POINT: u8 = 46;
const ZERO: u8 = 48;
const COLON: u8 = 58;
const EQUALS: u8 = 61;
const BAR: u8 = 124;
const FIRST: i32 = 65;

export let input: usize = 0;
let columns: i32 = 0;
/** Powers of ten up to 10^15: up to 15 digits a number is exact as a quotient of two exact numbers. */
let powers: usize = 0;
let at: usize = 0;

export function configure(features: i32, numerics: i32, crosses: i32, partCount: i32, inputBytes: i32): void {
  layOut(features, numerics, crosses, partCount);
  columns = features;
  powers = take(8 * 16);
  input = take(inputBytes);
  grow(16);
  let power: f64 = 1;
  for (let digits = 0; digits < 16; digits++, power *= 10) store<f64>(powers + (<usize>digits << 3), power);
}

/** Begins with the input; it ends with the end of a line. */
export function open(): void {
  at = input;
}

/** Reads rows up to so many bytes of input and returns how many they are, ROWS_MAX at most; 0 when nothing is left. */
export function read(length: i32): i32 {
  const end = input + <usize>length;
  let count = 0;
  while (count < ROWS_MAX && at < end) readLine(count++);
  return count;
}

function readLine(place: i32): void {
  beginRow(place);
  const label: f64 = load<u8>(at) == MINUS ? 0 : 1;
  at += label == 1 ? 2 : 3;
  for (;;) {
    const byte = load<u8>(at);
    if (byte == LINE_END) break;
    if (byte == SPACE || byte == BAR) {
      at++;
      continue;
    }
    const column = <i32>byte - FIRST;
    at++;
    // The name of the shared namespace is nothing to read.
    if (column >= columns) continue;
    const next = load<u8>(at);
    if (next == COLON || next == EQUALS || next == SPACE) at++;
    if (kindOf(column) == NUMERIC) {
      setNumber(column, readNumber());
      continue;
    }
    const from = at;
    at = endOfText(at);
    setText(column, from, <i32>(at - from));
  }
  at++;
  endRow(label, 1);
}

/** Returns where the next space or end of a line is, eight bytes at a time (Mycroft 1987: bytes below 33 among ASCII). */
// @ts-ignore: decorator
@inline
function endOfText(from: usize): usize {
  let found = below33(from);
  while (found == 0) {
    from += 8;
    found = below33(from);
  }
  return from + <usize>(ctz(found) >> 3);
}

/** Returns eight bytes of which the lowest that is not 0 says which byte is the first below 33. */
// @ts-ignore: decorator
@inline
function below33(from: usize): u64 {
  const bytes = load<u64>(from);
  return (bytes - 0x2121212121212121) & ~bytes & 0x8080808080808080;
}

function readNumber(): f64 {
  const isNegative = load<u8>(at) == MINUS;
  if (isNegative) at++;
  let whole: i64 = 0;
  let decimals = -1;
  for (;; at++) {
    const byte = load<u8>(at);
    if (byte == POINT) decimals = 0;
    else {
      const digit = <u8>(byte - ZERO);
      if (digit > 9) break;
      whole = whole * 10 + digit;
      if (decimals >= 0) decimals++;
    }
  }
  const value = decimals > 0 ? <f64>whole / load<f64>(powers + (<usize>decimals << 3)) : <f64>whole;
  return isNegative ? -value : value;
}
