import type { OutRecord } from '../ports.ts';
import { artefactKey } from '../../../shared/events/topics.ts';

/** Bytes of a file that one record carries. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Returns the records that keep a file on artefacts.v1. Writing them twice is harmless: the keys are those of the content.
 *
 * @param digest SHA-256 of the file, hex
 */
export function artefactRecords(digest: string, file: Uint8Array): OutRecord[] {
  const chunkCount = Math.ceil(file.length / CHUNK_BYTES);
  return Array.from({ length: chunkCount }, (_, chunkIndex): OutRecord => {
    const bytes = file.subarray(chunkIndex * CHUNK_BYTES, (chunkIndex + 1) * CHUNK_BYTES);
    const value = { digest, chunkIndex, chunkCount, bytes: Buffer.from(bytes) };
    return { topic: 'artefacts.v1', key: artefactKey(digest, chunkIndex), partition: 0, value };
  });
}
