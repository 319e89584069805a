// murmur3 (Appleby 2011, MurmurHash3_x86_32), as shared/domain/murmur3.ts has it.

const DIGITS_MAX: i32 = 20;
const digits = memory.data(20);

// @ts-ignore: decorator
@inline
function mixTail(hash: i32, block: i32): i32 {
  return hash ^ (rotl(block * 0xcc9e2d51, 15) * 0x1b873593);
}

// @ts-ignore: decorator
@inline
function mixBlock(hash: i32, block: i32): i32 {
  return rotl(mixTail(hash, block), 13) * 5 + 0xe6546b64;
}

// @ts-ignore: decorator
@inline
function finish(hash: i32, length: i32): i32 {
  let h: u32 = hash ^ length;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** Returns the hash of `length` bytes. */
export function murmur3(at: usize, length: i32, seed: i32): i32 {
  let hash = seed;
  const blocksEnd = at + <usize>(length & ~3);
  for (; at < blocksEnd; at += 4) hash = mixBlock(hash, load<i32>(at));
  let tail = 0;
  const rest = length & 3;
  if (rest == 3) tail = load<u16>(at) | (load<u8>(at, 2) << 16);
  else if (rest == 2) tail = load<u16>(at);
  else if (rest == 1) tail = load<u8>(at);
  return finish(mixTail(hash, tail), length);
}

/** Returns the hash of a safe integer’s digits. */
export function murmur3OfInteger(integer: i64, seed: i32): i32 {
  let rest = <u64>(integer < 0 ? -integer : integer);
  let at = digits + DIGITS_MAX;
  do {
    const quotient = rest / 10;
    store<u8>(--at, 0x30 + <u8>(rest - quotient * 10));
    rest = quotient;
  } while (rest > 0);
  if (integer < 0) store<u8>(--at, 0x2d);
  return murmur3(at, <i32>(digits + DIGITS_MAX - at), seed);
}

/** Returns one hash of two, in which the order counts. */
// @ts-ignore: decorator
@inline
export function combine(hash: i32, next: i32): i32 {
  return finish(mixBlock(hash, next), 4);
}
