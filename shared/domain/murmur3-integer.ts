import { murmur3OfBytes } from './murmur3.ts';

const DIGITS_MAX = 17;
const buffer = new Uint8Array(DIGITS_MAX);

/**
 * Returns `murmur3(String(integer), seed)` without making the string.
 *
 * @param integer a safe integer
 */
export function murmur3OfInteger(integer: number, seed: number): number {
  let rest = Math.abs(integer);
  let at = DIGITS_MAX;
  do {
    const quotient = Math.floor(rest / 10);
    buffer[--at] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  } while (rest > 0);
  if (integer < 0) buffer[--at] = 0x2d;
  return murmur3OfBytes(buffer, seed, at, DIGITS_MAX);
}
