/**
 * Returns the 32-bit murmur3 hash (Appleby 2011, MurmurHash3_x86_32) of a string's UTF-8 bytes as a *signed*
 * integer; `>>> 0` makes it unsigned. A lone surrogate counts as U+FFFD, as in TextEncoder. Signed because a
 * result of 2^31 or more would be allocated on the heap; nothing else is allocated either.
 *
 * @param seed any 32-bit integer
 */
export function murmur3(text: string, seed: number): number {
  const length = text.length;
  const blocksEnd = length - (length & 3);
  let hash = seed | 0;
  let i = 0;
  for (; i < blocksEnd; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    if ((a | b | c | d) > 0x7f) return hashFromMultibyte(text, i, hash);
    hash = mixBlock(hash, a | (b << 8) | (c << 16) | (d << 24));
  }
  let tail = 0;
  for (let shift = 0; i < length; i++, shift += 8) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) return hashFromMultibyte(text, blocksEnd, hash);
    tail |= unit << shift;
  }
  return finish(mixTail(hash, tail), length);
}

/** Returns the murmur3 hash of the bytes `from … to - 1` as a signed integer: that of a string with these UTF-8 bytes. */
export function murmur3OfBytes(bytes: Uint8Array, seed: number, from = 0, to = bytes.length): number {
  let hash = seed | 0;
  const blocksEnd = to - ((to - from) & 3);
  let i = from;
  for (; i < blocksEnd; i += 4) {
    const block =
      (bytes[i] ?? 0) |
      ((bytes[i + 1] ?? 0) << 8) |
      ((bytes[i + 2] ?? 0) << 16) |
      ((bytes[i + 3] ?? 0) << 24);
    hash = mixBlock(hash, block);
  }
  let tail = 0;
  for (let shift = 0; i < to; i++, shift += 8) tail |= (bytes[i] ?? 0) << shift;
  return finish(mixTail(hash, tail), to - from);
}

/** Returns one hash of two, in which the order counts: `next` is mixed in as murmur3 mixes four more bytes. */
export function combineHashes(hash: number, next: number): number {
  const mixed = mixBlock(hash, next);
  return finish(mixed, 4);
}

function hashFromMultibyte(text: string, from: number, hashBefore: number): number {
  let hash = hashBefore;
  let byteLength = from;
  let block = 0;
  let shift = 0;
  for (let i = from; i < text.length; i++) {
    let point = text.codePointAt(i) ?? 0;
    if (point > 0xffff) i++;
    else if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    const size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    byteLength += size;
    for (let at = 0; at < size; at++) {
      block |= utf8Byte(point, size, at) << shift;
      shift = (shift + 8) & 31;
      if (shift !== 0) continue;
      hash = mixBlock(hash, block);
      block = 0;
    }
  }
  return finish(mixTail(hash, block), byteLength);
}

function utf8Byte(point: number, size: number, at: number): number {
  if (size === 1) return point;
  const bits = point >>> (6 * (size - 1 - at));
  if (at > 0) return 0x80 | (bits & 0x3f);
  return ((0xf00 >>> size) & 0xff) | bits;
}

function mixTail(hash: number, block: number): number {
  let k = Math.imul(block, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  return hash ^ Math.imul(k, 0x1b873593);
}

function mixBlock(hash: number, block: number): number {
  const h = mixTail(hash, block);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
}

function finish(hash: number, byteLength: number): number {
  let h = hash ^ byteLength;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
