import { PAGE_BYTES, pageCount, pagedSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';

interface Part {
  readonly bytes: Uint8Array;
  readonly flags: Uint8Array;
}

/** A state of named sections that knows which of its pages changed. */
export class PagedState {
  readonly #parts = new Map<string, Part>();

  /** Makes sections of these sizes, in bytes, every page dirty; each page's bytes differ from every other's. */
  constructor(sizes: Readonly<Record<string, number>>) {
    let seed = 0;
    for (const [name, size] of Object.entries(sizes)) {
      const bytes = new Uint8Array(size);
      for (let page = 0; page < pageCount(size); page += 1) {
        seed += 1;
        bytes.fill(seed % 251, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
        bytes[page * PAGE_BYTES] = (seed * 7) % 253;
      }
      this.#parts.set(name, { bytes, flags: new Uint8Array(pageCount(size)).fill(1) });
    }
  }

  /** Returns a state with these bytes, every page clean: what a restored one is. */
  static of(sections: ReadonlyMap<string, Uint8Array>): PagedState {
    const state = new PagedState({});
    for (const [name, bytes] of sections) {
      state.#parts.set(name, {
        bytes: Uint8Array.from(bytes),
        flags: new Uint8Array(pageCount(bytes.length)),
      });
    }
    return state;
  }

  /** Sets one byte. */
  write(name: string, at: number, value: number): void {
    const part = this.#parts.get(name);
    if (part === undefined) throw new RangeError(`no section ${name}`);
    part.bytes[at] = value;
    part.flags[Math.floor(at / PAGE_BYTES)] = 1;
  }

  sections(): StateSection[] {
    return [...this.#parts].map(([name, { bytes, flags }]) =>
      pagedSection({ name, bytes: () => bytes, pageFlags: () => flags, flag: 1 }),
    );
  }

  /** Returns the state without one section; the bytes of the others are shared. */
  without(name: string): PagedState {
    const state = new PagedState({});
    for (const [kept, part] of this.#parts) if (kept !== name) state.#parts.set(kept, part);
    return state;
  }

  /** Returns a copy of every section's bytes. */
  contents(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.#parts].map(([name, { bytes }]) => [name, Buffer.from(bytes)]));
  }

  /** Returns a restored state of the same bytes. */
  copy(): PagedState {
    return PagedState.of(this.contents());
  }
}
