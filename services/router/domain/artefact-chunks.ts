import type { Artefact } from '../../../shared/domain/events.ts';

/** Most chunks of one file. */
const CHUNKS_MAX = 256;

/** Puts one published file together from the records that carry it. */
export class ArtefactChunks {
  readonly #digest: string;
  #parts: (Uint8Array | undefined)[] = [];

  /** @param digest SHA-256 of the file that is wanted, hex */
  constructor(digest: string) {
    this.#digest = digest;
  }

  /** Returns whether a record with this key may carry a piece of the file. */
  wants(key: string): boolean {
    return key.startsWith(`${this.#digest}/`);
  }

  /** Takes a record; one that does not fit the others is passed over. */
  take({ digest, chunkIndex, chunkCount, bytes }: Artefact): void {
    const isSound = chunkCount >= 1 && chunkCount <= CHUNKS_MAX && chunkIndex >= 0 && chunkIndex < chunkCount;
    if (digest !== this.#digest || !isSound) return;
    if (this.#parts.length !== chunkCount) this.#parts = Array.from({ length: chunkCount }, () => undefined);
    this.#parts[chunkIndex] = bytes;
  }

  /** Returns the pieces in order; undefined while one is missing. */
  pieces(): readonly Uint8Array[] | undefined {
    const found = this.#parts.filter((part) => part !== undefined);
    return found.length > 0 && found.length === this.#parts.length ? found : undefined;
  }
}
