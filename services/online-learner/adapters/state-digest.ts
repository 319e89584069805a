import { createHash } from 'node:crypto';
import { feedStateDigest } from '../../../shared/domain/state-section-digest.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';

/** Returns the digest of a whole state: SHA-256 over its canonical form, hex. */
export function stateDigest(sections: readonly StateSection[]): string {
  const hash = createHash('sha256');
  feedStateDigest(sections, (bytes) => hash.update(bytes));
  return hash.digest('hex');
}
