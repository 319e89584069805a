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
