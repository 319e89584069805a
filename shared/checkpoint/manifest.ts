import { hash } from 'node:crypto';
import { PAGE_BYTES, pageCount } from '../domain/state-section.ts';

/** Which of two generations of a page is current, and the digest of its bytes. */
export interface PageEntry {
  readonly slot: 0 | 1;
  readonly digest: string;
}

/** One section of a stored state. */
export interface SectionEntry {
  readonly name: string;
  readonly byteLength: number;
  readonly pages: readonly PageEntry[];
}

/** What makes a set of pages one state at one position. */
export interface Manifest {
  readonly format: 1;
  /** Fencing token of the process that wrote it. */
  readonly epoch: number;
  /** Position of the state, in its owner's own notation. */
  readonly position: string;
  /** What the owner needs besides the sections, as JSON. */
  readonly meta: unknown;
  readonly sections: readonly SectionEntry[];
}

/** Returns the digest of a page or manifest: the first 128 bits of its SHA-256, hex. */
export function digestOf(bytes: Uint8Array | string): string {
  return hash('sha256', bytes, 'hex').slice(0, 32);
}

/** Returns the field under which one generation of a page is stored. */
export function pageField(section: string, page: number, slot: 0 | 1): string {
  return `${section}/${String(page)}/${String(slot)}`;
}

/** Returns the bytes of one page of a section. */
export function pageOf(bytes: Uint8Array, page: number): Uint8Array {
  return bytes.subarray(page * PAGE_BYTES, Math.min(bytes.length, (page + 1) * PAGE_BYTES));
}

/** Returns the manifest of stored text, or what is wrong with it. */
export function parseManifest(text: string, digest: string): Manifest | string {
  if (digestOf(text) !== digest) return 'the manifest is not the one that was written';
  const manifest = JSON.parse(text) as Manifest;
  if ((manifest.format as number) !== 1) return `manifest format ${String(manifest.format)}, known 1`;
  for (const { name, byteLength, pages } of manifest.sections) {
    if (pages.length !== pageCount(byteLength)) {
      return `section ${name} of ${String(byteLength)} bytes has ${String(pages.length)} pages`;
    }
  }
  return manifest;
}
