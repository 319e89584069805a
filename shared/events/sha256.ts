import { createHash } from 'node:crypto';

/** Returns SHA-256 over the pieces in order, hex. */
export function sha256Hex(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}
