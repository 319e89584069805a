// How a hashed row lies in memory, for who writes rows and who learns them: label, weight (float64), numbers of the numeric features
// (float64), hashes of the slots (int32), whether they have a value (byte).
import { take } from './memory';

/** Rows that are read or learned at a time, at most. */
export const ROWS_MAX: i32 = 256;
export const NUMBERS_AT: i32 = 16;

/** Features and crosses. */
export let slots: i32 = 0;
export let hashesAt: i32 = 0;
export let presentAt: i32 = 0;
export let rowBytes: i32 = 0;
/** Room for ROWS_MAX rows. */
export let rows: usize = 0;

/** Makes room for rows. To be called once. */
export function layOutRows(slotCount: i32, numericCount: i32): void {
  slots = slotCount;
  hashesAt = NUMBERS_AT + 8 * numericCount;
  presentAt = hashesAt + 4 * slots;
  rowBytes = (presentAt + slots + 7) & ~7;
  rows = take(ROWS_MAX * rowBytes);
}
