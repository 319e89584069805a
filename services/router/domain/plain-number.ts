/** Largest whole part of a number that is read digit by digit: 2^53 - 1. */
const MANTISSA_MAX = Number.MAX_SAFE_INTEGER;
/** Powers of ten that are exact in float64. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${String(exponent)}`));

/** Where the last number that was read ended: the element after it. */
export const numberEnd = { at: 0 };

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Returns the end of the number that begins at `from` by the grammar of JSON, or -1. */
function endOfNumber(bytes: Uint8Array, from: number): number {
  let at = from;
  const skipDigits = (): boolean => {
    const start = at;
    while (isDigit(bytes[at] ?? 0)) at++;
    return at > start;
  };
  if (bytes[at] === 0x2d) at++;
  if (bytes[at] === 0x30) at++;
  else if (!skipDigits()) return -1;
  if (bytes[at] === 0x2e) {
    at++;
    if (!skipDigits()) return -1;
  }
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    at++;
    if (bytes[at] === 0x2b || bytes[at] === 0x2d) at++;
    if (!skipDigits()) return -1;
  }
  return at;
}

/**
 * Returns the number whose JSON begins at `from` and sets `numberEnd`; NaN when there is none. The same number as JSON.parse
 * gives: a whole number below 2^53 divided by a power of ten up to 22 is rounded once (Clinger 1990); everything else goes
 * through a string.
 */
export function readNumber(bytes: Uint8Array, from: number): number {
  const isNegative = bytes[from] === 0x2d;
  let at = isNegative ? from + 1 : from;
  const first = at;
  let mantissa = 0;
  let byte = bytes[at] ?? 0;
  while (isDigit(byte)) {
    mantissa = 10 * mantissa + (byte - 0x30);
    byte = bytes[++at] ?? 0;
  }
  const digits = at - first;
  let decimals = 0;
  if (byte === 0x2e) {
    const point = at;
    byte = bytes[++at] ?? 0;
    while (isDigit(byte)) {
      mantissa = 10 * mantissa + (byte - 0x30);
      byte = bytes[++at] ?? 0;
    }
    decimals = at - point - 1;
    if (decimals === 0) return NaN;
  }
  const isPlain = (byte | 0x20) !== 0x65 && mantissa <= MANTISSA_MAX && decimals < POWERS.length;
  if (!isPlain) return numberOfText(bytes, from);
  if (digits === 0 || (digits > 1 && bytes[first] === 0x30)) return NaN;
  numberEnd.at = at;
  const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] ?? 1);
  return isNegative ? -value : value;
}

function numberOfText(bytes: Uint8Array, from: number): number {
  const end = endOfNumber(bytes, from);
  if (end < 0) return NaN;
  let text = '';
  for (let at = from; at < end; at++) text += String.fromCharCode(bytes[at] ?? 0);
  numberEnd.at = end;
  return Number(text);
}
