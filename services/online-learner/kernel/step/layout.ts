// Where everything of one version lies in the kernel's memory. Addresses are bytes; `configure` sets them once.
import { grow, take } from '../memory';
import { layOutRows, ROWS_MAX, slots } from '../row-layout';

/** Places of the table that finds repeated coordinates in a row, a power of two. */
export const STAMPS: i32 = 4096;
/** Sums of the progressive metrics, float64. */
const METRICS: i32 = 9 + 3 * 10;
/** What became of a row: score, two details (float64), result, slot (int32). */
export const OUT_BYTES: i32 = 32;

export let numerics: i32 = 0;
/** Index of the bias, 2^tableBits. */
export let bias: i32 = 0;

export let outs: usize = 0;
/** Of each slot: its place among the numeric features, -1 for the others (int32). */
export let numericOf: usize = 0;
/** Of each numeric feature: its slot (int32). */
export let slotOf: usize = 0;

/** The encoded row without its bias: distinct coordinates (int32), their first slots (int32), their values (float64). */
export let indices: usize = 0;
export let firstSlots: usize = 0;
export let values: usize = 0;
/** Updated weights and sums of two coordinates each: w w - - z n z n (float32). */
export let updates: usize = 0;
/** Who touched a place last: the number of a row (int32). */
export let stamps: usize = 0;

/** Scaler: counts, means, sums of squared deviations, inverse deviations; float64 a numeric feature each. */
export let counts: usize = 0;
export let means: usize = 0;
export let squares: usize = 0;
export let inverses: usize = 0;
export let metrics: usize = 0;
/** Leverage fence: mean square, examples (float64). */
export let fence: usize = 0;
/** Examples learned, examples screened (float64). */
export let counters: usize = 0;

/** Weights (float32), 2^tableBits + 1. */
export let weights: usize = 0;
/** Pairs z, n of the optimiser (float32), 2^tableBits + 1. */
export let sums: usize = 0;
/** A bit a coordinate: touched since `forgetTouched`. */
export let touchedBits: usize = 0;
/** A byte a page of 16 KiB of weights, and of sums: 1 when it changed. */
export let weightPages: usize = 0;
export let sumPages: usize = 0;

/** Lays out the memory of a version and grows it to what is needed; everything is zero then. To be called once. */
export function layOut(slotCount: i32, numericCount: i32, tableBits: i32): void {
  numerics = numericCount;
  bias = 1 << tableBits;
  layOutRows(slotCount, numericCount);
  outs = take(ROWS_MAX * OUT_BYTES);
  numericOf = take(4 * slots);
  slotOf = take(4 * numerics);
  // One more than needed: coordinates are updated by twos.
  indices = take(4 * (slots + 1));
  firstSlots = take(4 * (slots + 1));
  values = take(8 * (slots + 1));
  updates = take(16 * (slots + 2));
  stamps = take(4 * STAMPS);
  counts = take(8 * 4 * numerics);
  means = counts + <usize>(8 * numerics);
  squares = means + <usize>(8 * numerics);
  inverses = squares + <usize>(8 * numerics);
  metrics = take(8 * METRICS);
  fence = take(16);
  counters = take(16);
  touchedBits = take(4 * ((bias >> 5) + 1));
  weightPages = take((bias >> 12) + 1);
  sumPages = take((bias >> 11) + 1);
  weights = take(4 * (bias + 1));
  sums = take(8 * (bias + 1));
  grow(0);
}
