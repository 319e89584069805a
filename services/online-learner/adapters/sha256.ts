import { createHash } from 'node:crypto';
import { feedStateDigest } from '../../../shared/domain/state-section-digest.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';

/** Returns SHA-256 over the pieces in order, hex. */
export function sha256Hex(pieces: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Returns the digest of a whole state: SHA-256 over its canonical form, hex. */
export function stateDigest(sections: readonly StateSection[]): string {
  const hash = createHash('sha256');
  feedStateDigest(sections, (bytes) => hash.update(bytes));
  return hash.digest('hex');
}
