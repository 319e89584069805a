/** Size of the pages in which state is stored and its changes are tracked, bytes. */
export const PAGE_BYTES = 16_384;

/**
 * A named run of a state's bytes, for a store that writes only the pages that changed. All of it is synchronous: whoever
 * wants a consistent picture reads every section before anything else runs.
 */
export interface StateSection {
  /** Unique within the state; part of the stored key. */
  readonly name: string;
  /** Returns all bytes, little-endian; perhaps a live view, so copy what must outlive the next change. */
  bytes(): Uint8Array;
  /** Returns which pages (of PAGE_BYTES, the last one may be shorter) changed since `markClean`, ascending. */
  dirtyPages(): readonly number[] | 'all';
  /** Makes the present bytes the ones `dirtyPages` compares with. */
  markClean(): void;
}

/** Returns a section small enough to be written whole each time. */
export function wholeSection(name: string, bytes: () => Uint8Array): StateSection {
  return { name, bytes, dirtyPages: () => 'all', markClean: () => undefined };
}

/** What a paged section is made of; functions, because growth replaces the arrays. */
export interface PagedSectionParts {
  readonly name: string;
  readonly bytes: () => Uint8Array;
  /** One byte a page, whose bits stand for the sections that share it. */
  readonly pageFlags: () => Uint8Array;
  /** The bit of this section, 1 … 128. */
  readonly flag: number;
}

/** Returns a section whose owner sets flags for the pages that it changes. */
export function pagedSection({ name, bytes, pageFlags, flag }: PagedSectionParts): StateSection {
  return {
    name,
    bytes,
    dirtyPages: () => {
      const pages: number[] = [];
      pageFlags().forEach((flags, page) => {
        if ((flags & flag) !== 0) pages.push(page);
      });
      return pages;
    },
    markClean: () => {
      const flags = pageFlags();
      for (let page = 0; page < flags.length; page++) flags[page] = (flags[page] ?? 0) & ~flag;
    },
  };
}

/** Returns how many pages hold so many bytes. */
export function pageCount(byteLength: number): number {
  return Math.ceil(byteLength / PAGE_BYTES);
}

/**
 * Returns the array's memory as live little-endian bytes.
 *
 * @throws RangeError on a big-endian machine, where stored state would not be portable
 */
export function bytesOf<B extends ArrayBufferLike>(array: ArrayBufferView<B>): Uint8Array<B> {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new RangeError('viewing state as bytes: this machine is big-endian, allowed little-endian');
  }
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/**
 * Fills the array from stored bytes, which may be unaligned.
 *
 * @throws RangeError when the sizes differ
 */
export function restoreBytes(array: ArrayBufferView, bytes: Uint8Array, name: string): void {
  if (bytes.length !== array.byteLength) {
    const sizes = `${String(bytes.length)} bytes, expected ${String(array.byteLength)}`;
    throw new RangeError(`restoring section ${name}: ${sizes}`);
  }
  bytesOf(array).set(bytes);
}
