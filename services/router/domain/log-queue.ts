/** Something waiting to be written, with its size. */
export interface Sized {
  /** About how much it takes, bytes. */
  readonly bytes: number;
}

/** How much one record of the log may hold. */
export interface RecordLimits {
  readonly itemsMax: number;
  readonly bytesMax: number;
}

/**
 * Returns how many of the oldest items make the next record: as many as fit, at least one.
 *
 * @param items oldest first, at least one
 */
export function recordLength(items: readonly Sized[], limits: RecordLimits): number {
  let bytes = 0;
  let count = 0;
  for (const item of items) {
    bytes += item.bytes;
    if (count > 0 && (count >= limits.itemsMax || bytes > limits.bytesMax)) break;
    count += 1;
  }
  return count;
}

const FIXED_BYTES = 256;
const VALUE_BYTES = 9;
const UTF8_BYTES_MAX = 3;

/** Returns the most that a prediction of this row takes as Avro, bytes; scores of four versions included. */
export function predictionBytes(subject: string, row: readonly unknown[]): number {
  let bytes = FIXED_BYTES + subject.length * UTF8_BYTES_MAX;
  for (const value of row)
    bytes += typeof value === 'string' ? VALUE_BYTES + value.length * UTF8_BYTES_MAX : VALUE_BYTES;
  return bytes;
}
