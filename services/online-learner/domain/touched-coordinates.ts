/** Bits of `pageFlags`, one for each array that changes at the touched coordinates. */
export const TOUCHED_FLAG = { w: 1, z: 2, n: 4 } as const;

const ALL_FLAGS = 7;
const PAGE_SHIFT = 12;

/**
 * Which coordinates of float32 arrays changed: as pages of 4,096 coordinates (16 KiB) for checkpoints, and one by one for
 * delta snapshots. Not part of the state: a restored learner begins with clean pages and an empty list.
 */
export class TouchedCoordinates {
  /** One byte a page; the bits say for which array it is dirty. */
  readonly pageFlags: Uint8Array;
  readonly #bits: Int32Array;
  #count = 0;

  /** Starts with every page dirty, because nothing is stored yet, and no coordinate listed. */
  constructor(size: number) {
    this.pageFlags = new Uint8Array(Math.ceil(size / 2 ** PAGE_SHIFT)).fill(ALL_FLAGS);
    this.#bits = new Int32Array(Math.ceil(size / 32));
  }

  /** How many coordinates `list` would return. */
  get count(): number {
    return this.#count;
  }

  mark(coordinate: number): void {
    this.pageFlags[coordinate >>> PAGE_SHIFT] = ALL_FLAGS;
    const word = coordinate >>> 5;
    const before = this.#bits[word] ?? 0;
    const after = before | (1 << (coordinate & 31));
    if (after === before) return;
    this.#bits[word] = after;
    this.#count++;
  }

  /** Marks the coordinates of the pairs at elements `at … at + width - 1` whose value is not 0. */
  markRow(indices: Int32Array, values: Float32Array, at: number, width: number): void {
    const bits = this.#bits;
    const pageFlags = this.pageFlags;
    const end = at + width;
    for (let k = at; k < end; k++) {
      if (values[k] === 0) continue;
      const coordinate = indices[k] ?? 0;
      pageFlags[coordinate >>> PAGE_SHIFT] = ALL_FLAGS;
      const word = coordinate >>> 5;
      const before = bits[word] ?? 0;
      const after = before | (1 << (coordinate & 31));
      if (after === before) continue;
      bits[word] = after;
      this.#count++;
    }
  }

  markPagesClean(): void {
    this.pageFlags.fill(0);
  }

  /** Returns every coordinate marked since `reset`, ascending. */
  list(): Int32Array<ArrayBuffer> {
    const list = new Int32Array(this.#count);
    let at = 0;
    for (let word = 0; word < this.#bits.length; word++) {
      for (let rest = this.#bits[word] ?? 0; rest !== 0; rest &= rest - 1) {
        list[at++] = (word << 5) | (31 - Math.clz32(rest & -rest));
      }
    }
    return list;
  }

  /** Empties the list; the dirty pages stay. */
  reset(): void {
    this.#bits.fill(0);
    this.#count = 0;
  }
}
