import type { StateSection } from './state-section.ts';

const utf8 = new TextEncoder();

/**
 * Hands the canonical form of a state to `update`, piece by piece: for each section the lengths of its name and its bytes
 * (two little-endian u64), the name in UTF-8, the bytes. A hash of the pieces is the state's digest. The pieces may be live
 * views: use them before returning.
 *
 * @param sections in the state's own order, which is a function of the state
 */
export function feedStateDigest(
  sections: readonly StateSection[],
  update: (bytes: Uint8Array) => void,
): void {
  for (const section of sections) {
    const name = utf8.encode(section.name);
    const bytes = section.bytes();
    const lengths = new DataView(new ArrayBuffer(16));
    lengths.setBigUint64(0, BigInt(name.length), true);
    lengths.setBigUint64(8, BigInt(bytes.length), true);
    update(new Uint8Array(lengths.buffer));
    update(name);
    update(bytes);
  }
}
