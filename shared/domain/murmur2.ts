const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;
const utf8 = new TextEncoder();

/** Returns Kafka's murmur2 of the bytes, a signed 32-bit integer equal to that of the Java client (`Utils.murmur2`). */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const blocksEnd = length - (length & 3);
  let hash = SEED ^ length;
  for (let i = 0; i < blocksEnd; i += 4) {
    let k = Math.imul(littleEndian(bytes, i, 4), MULTIPLIER);
    k = Math.imul(k ^ (k >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ k;
  }
  if (blocksEnd < length) {
    hash = Math.imul(hash ^ littleEndian(bytes, blocksEnd, length - blocksEnd), MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

/**
 * Returns the partition, 0 … `partitions` - 1, in which Kafka's Java client puts records of this key.
 *
 * @throws RangeError when `partitions` is not a positive integer
 */
export function partitionOf(key: string, partitions: number): number {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(`partition of a key: partitions ${String(partitions)}, allowed 1 or more`);
  }
  return (murmur2(utf8.encode(key)) & 0x7fffffff) % partitions;
}

function littleEndian(bytes: Uint8Array, from: number, count: number): number {
  let value = 0;
  for (let at = 0; at < count; at++) value |= (bytes[from + at] ?? 0) << (8 * at);
  return value;
}
