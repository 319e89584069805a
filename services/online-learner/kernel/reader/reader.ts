// Reads the events of records of training-events.v1 that are known to be whole and sound Avro (shared/domain/packed-events.ts)
// into hashed rows. What an event is that may be learned as it is, is said in domain/check-event.ts.
import { murmur3 } from './hashing';
import { grow, take } from '../memory';
import { ROWS_MAX } from '../row-layout';
import {
  beginRow, BOOLEAN, CATEGORICAL, endRow, kindOf, layOut, NUMERIC, setBoolean, setInteger, setNumber, setText,
} from './rows';

/**
 * An event beside its row: id's first and last + 1 byte, hash halves, where its features begin, flags (int32), event time
 * (float64), which of the records it is of, its place in that (int32). */
export const EVENT_BYTES: i32 = 40;
const REGULAR: i32 = 1;
const SERVED: i32 = 2;

/** Columns of a record, at most; events of wider ones are not regular. */
export const COLUMNS_MAX: i32 = 4096;
/** Records that are read together, at most. */
export const RECORDS_MAX: i32 = 1024;

const BOOL: i64 = 1;
const DOUBLE: i64 = 2;
const STRING: i64 = 3;
const SAFE_INTEGER_MAX: f64 = 9007199254740991;

export let events: usize = 0;
/** Place in the spec of each column of the record, or -1 (int32). */
export let featureOf: usize = 0;
/** The records' events as they came, and where in it each record's begin (int32). */
export let input: usize = 0;
export let starts: usize = 0;

let columns: i32 = 0;
let highSeed: i32 = 0;
let lowSeed: i32 = 0;
let idMax: i32 = 0;
let subjectMax: i32 = 0;
let textMax: i32 = 0;
let weightMax: f64 = 0;

let at: usize = 0;
let records: i32 = 0;
/** The record that is read, the events read of it, and those left of its present block. */
let record: i32 = 0;
let item: i32 = 0;
let left: i64 = 0;

/** Prepares the memory. To be called once, before anything else. */
export function configure(
  featureCount: i32, numericCount: i32, crossCount: i32, partCount: i32, idHighSeed: i32, idLowSeed: i32,
): void {
  layOut(featureCount, numericCount, crossCount, partCount);
  events = take(ROWS_MAX * EVENT_BYTES);
  featureOf = take(4 * COLUMNS_MAX);
  starts = take(4 * RECORDS_MAX);
  input = take(0);
  grow(0);
  highSeed = idHighSeed;
  lowSeed = idLowSeed;
}

/** Sets what an event must not be longer or heavier than. */
export function setLimits(id: i32, subject: i32, text: i32, weight: f64): void {
  idMax = id;
  subjectMax = subject;
  textMax = text;
  weightMax = weight;
}

/** Makes room for so many bytes of input. */
export function reserve(bytes: i32): void {
  grow(bytes + 16);
}

/** Begins with the events in the input, of so many records; `columnCount` entries of `featureOf` hold. */
export function open(columnCount: i32, recordCount: i32): void {
  columns = columnCount;
  records = recordCount;
  record = -1;
  nextRecord();
}

function nextRecord(): void {
  record++;
  item = 0;
  left = 0;
  if (record < records) at = input + <usize>load<i32>(starts + (<usize>record << 2));
}

/** Reads at most `max` events and returns how many; one that is not regular is the last of them. 0 at the end. */
export function read(max: i32): i32 {
  let count = 0;
  while (count < max && record < records) {
    if (left == 0) left = readBlock();
    if (left == 0) {
      nextRecord();
      continue;
    }
    left--;
    const isRegular = readEvent(count, events + <usize>(count * EVENT_BYTES));
    count++;
    if (!isRegular) break;
  }
  return count;
}

function readEvent(place: i32, event: usize): bool {
  const idLength = <i32>readLong();
  const id = at;
  at += idLength;
  const eventTimeMs = readLong();
  const subjectLength = <i32>readLong();
  at += subjectLength;
  store<i32>(event, <i32>(id - input));
  store<i32>(event, <i32>(id - input) + idLength, 4);
  store<i32>(event, murmur3(id, idLength, highSeed), 8);
  store<i32>(event, murmur3(id, idLength, lowSeed), 12);
  store<i32>(event, <i32>(at - input), 16);
  store<f64>(event, <f64>eventTimeMs, 24);
  beginRow(place);
  const isSound = readRow();
  const label = load<f64>(at);
  const weight = load<f64>(at, 8);
  at += 16;
  skipBytes(); // labelSource
  const isServed = readLong() == 1;
  if (isServed) skipServed();
  endRow(label, weight);
  const isRegular =
    isSound &&
    idLength >= 1 &&
    idLength <= idMax &&
    subjectLength >= 1 &&
    subjectLength <= subjectMax &&
    (label == 0 || label == 1) &&
    weight > 0 &&
    weight <= weightMax &&
    eventTimeMs >= 0;
  store<i32>(event, (isRegular ? REGULAR : 0) | (isServed ? SERVED : 0), 20);
  store<i32>(event, record, 32);
  store<i32>(event, item++, 36);
  return isRegular;
}

/** Reads the values of an event; returns whether they fit the record's columns and the spec. */
function readRow(): bool {
  let isSound = true;
  let column = 0;
  for (let block = readBlock(); block > 0; block = readBlock()) {
    for (; block > 0; block--) {
      const feature = column < columns ? load<i32>(featureOf + (<usize>column << 2)) : -1;
      column++;
      const tag = readLong();
      if (tag == STRING) {
        const length = <i32>readLong();
        const text = at;
        at += length;
        if (feature < 0) continue;
        if (kindOf(feature) != CATEGORICAL || length > textMax) isSound = false;
        else setText(feature, text, length);
      } else if (tag == DOUBLE) {
        const value = load<f64>(at);
        at += 8;
        if (feature < 0) continue;
        const kind = kindOf(feature);
        if (kind == NUMERIC && abs(value) < Infinity) setNumber(feature, value);
        else if (kind == CATEGORICAL && abs(value) <= SAFE_INTEGER_MAX && trunc(value) == value) {
          setInteger(feature, <i64>value);
        } else isSound = false;
      } else if (tag == BOOL) {
        const value = load<u8>(at++) == 1;
        if (feature < 0) continue;
        if (kindOf(feature) != BOOLEAN) isSound = false;
        else setBoolean(feature, value);
      }
    }
  }
  return isSound && column == columns;
}

/** Returns a long; what is read was looked through before, so it fits. */
// @ts-ignore: decorator
@inline
function readLong(): i64 {
  const first = load<u8>(at++);
  if (first < 0x80) return <i64>(first >>> 1) ^ -(<i64>(first & 1));
  return readRest(first);
}

function readRest(first: u8): i64 {
  let value: u64 = first & 0x7f;
  let shift: u64 = 7;
  for (;;) {
    const byte = load<u8>(at++);
    value |= <u64>(byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  return <i64>(value >>> 1) ^ -(<i64>(value & 1));
}

/** Returns the number of items of the next block of an array, 0 at its end. */
// @ts-ignore: decorator
@inline
function readBlock(): i64 {
  const count = readLong();
  if (count >= 0) return count;
  readLong(); // the size of the block in bytes
  return -count;
}

// @ts-ignore: decorator
@inline
function skipBytes(): void {
  const length = <usize>readLong(); // by itself: it moves `at`
  at += length;
}

/** Passes over what was served, behind the branch that says that something was. */
function skipServed(): void {
  skipBytes(); // predictionId
  readLong(); // predictedAtMs
  readLong(); // planVersion
  skipBytes(); // assignedArm
  readLong(); // servedVersion
  at += 8; // assignmentProbability
  for (let block = readBlock(); block > 0; block = readBlock()) {
    for (; block > 0; block--) {
      readLong(); // version
      if (readLong() == 1) at += 8; // score
      readLong(); // scoringMicros
      at += 1; // failed
    }
  }
  if (readLong() == 1) readLong(); // labelledAtMs
}
