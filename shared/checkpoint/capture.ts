import { PAGE_BYTES, pageCount } from '../domain/state-section.ts';
import type { StateSection } from '../domain/state-section.ts';
import { digestOf, pageField, pageOf } from './manifest.ts';
import type { Manifest, PageEntry, SectionEntry } from './manifest.ts';

/** A page that must be stored before the manifest that names it. */
export interface PageWrite {
  readonly field: string;
  readonly bytes: Uint8Array;
}

/** A consistent picture of a state, taken at one moment, ready to be stored. */
export interface Capture {
  readonly manifest: Manifest;
  readonly writes: readonly PageWrite[];
}

/** What the picture is of. */
export interface CaptureInput {
  readonly epoch: number;
  readonly position: string;
  readonly meta: unknown;
  readonly sections: readonly StateSection[];
  /** The manifest that is current in the store; undefined when there is none. */
  readonly current: Manifest | undefined;
}

/**
 * Returns what has to be stored so that the state, as it is now, becomes the checkpoint: copies of changed pages, each
 * aimed at the generation that the current manifest does not use, and the manifest that names them. Synchronous, so the
 * picture is of one moment. Marks the sections clean: a capture that is not stored must be kept and stored later.
 */
export function captureState({ epoch, position, meta, sections, current }: CaptureInput): Capture {
  const before = new Map(current?.sections.map((section) => [section.name, section]));
  const writes: PageWrite[] = [];
  const entries: SectionEntry[] = sections.map((section) => {
    const bytes = section.bytes();
    const known = before.get(section.name);
    const count = pageCount(bytes.length);
    const dirty = section.dirtyPages();
    const isTrusted = known?.byteLength === bytes.length && dirty !== 'all';
    const changed = isTrusted ? new Set(dirty) : undefined;
    // All copies of a section lie in one piece: thousands of small ones would have everything collected again and again.
    const copies = new Uint8Array(Buffer.allocUnsafeSlow((changed?.size ?? count) * PAGE_BYTES).buffer);
    let copied = 0;
    const pages: PageEntry[] = [];
    for (let page = 0; page < count; page += 1) {
      const old = known?.pages[page];
      if (old !== undefined && changed?.has(page) === false) {
        pages.push(old);
        continue;
      }
      const content = pageOf(bytes, page);
      const digest = digestOf(content);
      if (old?.digest === digest) {
        pages.push(old);
        continue;
      }
      const slot = old === undefined ? 0 : old.slot === 0 ? 1 : 0;
      const copy = copies.subarray(copied, copied + content.length);
      copied += content.length;
      copy.set(content);
      writes.push({ field: pageField(section.name, page, slot), bytes: copy });
      pages.push({ slot, digest });
    }
    section.markClean();
    return { name: section.name, byteLength: bytes.length, pages };
  });
  return { manifest: { format: 1, epoch, position, meta, sections: entries }, writes };
}
