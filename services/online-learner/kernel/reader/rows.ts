// Hashed rows, in the layout that the step takes them in, as shared/domain/row-hasher.ts hashes them.
import { take } from '../memory';
import { hashesAt, layOutRows, NUMBERS_AT, presentAt, rowBytes, rows } from '../row-layout';
import { combine, murmur3, murmur3OfInteger } from './hashing';

/** Types of features. */
export const CATEGORICAL: u8 = 0;
export const NUMERIC: u8 = 1;
export const BOOLEAN: u8 = 2;

export let features: i32 = 0;
let crosses: i32 = 0;

/** Type of each feature (byte). */
export let kinds: usize = 0;
/** Of each feature: its place among the numeric ones (int32). */
export let numericOf: usize = 0;
export let seeds: usize = 0;
export let trueHashes: usize = 0;
export let falseHashes: usize = 0;
export let crossSeeds: usize = 0;
/** Features of the crosses, one list after the other, and where each ends (int32). */
export let parts: usize = 0;
export let partsEnd: usize = 0;

/** The row that is being filled. */
export let row: usize = 0;

export function layOut(featureCount: i32, numericCount: i32, crossCount: i32, partCount: i32): void {
  features = featureCount;
  crosses = crossCount;
  layOutRows(features + crosses, numericCount);
  kinds = take(features);
  numericOf = take(4 * features);
  seeds = take(4 * features);
  trueHashes = take(4 * features);
  falseHashes = take(4 * features);
  crossSeeds = take(4 * crosses);
  parts = take(4 * partCount);
  partsEnd = take(4 * crosses);
}

/** Begins a row without any value. */
// @ts-ignore: decorator
@inline
export function beginRow(place: i32): void {
  row = rows + <usize>(place * rowBytes);
  for (let k: usize = presentAt; k < <usize>rowBytes; k++) store<u8>(row + k, 0);
}

// @ts-ignore: decorator
@inline
function seedOf(feature: i32): i32 {
  return load<i32>(seeds + (<usize>feature << 2));
}

// @ts-ignore: decorator
@inline
function set(feature: i32, hash: i32): void {
  store<i32>(row + hashesAt + (<usize>feature << 2), hash);
  store<u8>(row + presentAt + <usize>feature, 1);
}

// @ts-ignore: decorator
@inline
export function kindOf(feature: i32): u8 {
  return load<u8>(kinds + <usize>feature);
}

// @ts-ignore: decorator
@inline
export function setText(feature: i32, at: usize, length: i32): void {
  set(feature, murmur3(at, length, seedOf(feature)));
}

export function setInteger(feature: i32, integer: i64): void {
  set(feature, murmur3OfInteger(integer, seedOf(feature)));
}

// @ts-ignore: decorator
@inline
export function setNumber(feature: i32, value: f64): void {
  store<f64>(row + (<usize>load<i32>(numericOf + (<usize>feature << 2)) << 3), value, NUMBERS_AT);
  set(feature, seedOf(feature));
}

// @ts-ignore: decorator
@inline
export function setBoolean(feature: i32, value: bool): void {
  set(feature, load<i32>((value ? trueHashes : falseHashes) + (<usize>feature << 2)));
}

/** Hashes the crosses whose parts are all there, and ends the row. */
// @ts-ignore: decorator
@inline
export function endRow(label: f64, weight: f64): void {
  const hashes = row + hashesAt;
  const present = row + presentAt;
  let part = 0;
  for (let c = 0; c < crosses; c++) {
    const end = load<i32>(partsEnd + (<usize>c << 2));
    let hash = load<i32>(crossSeeds + (<usize>c << 2));
    let isThere: u8 = 1;
    for (; part < end; part++) {
      const k = <usize>load<i32>(parts + (<usize>part << 2));
      hash = combine(hash, load<i32>(hashes + (k << 2)));
      isThere &= load<u8>(present + k);
    }
    store<i32>(hashes + (<usize>(features + c) << 2), hash);
    store<u8>(present + <usize>(features + c), isThere);
  }
  store<f64>(row, label);
  store<f64>(row, weight, 8);
}
