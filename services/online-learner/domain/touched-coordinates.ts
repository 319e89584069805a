/** Returns the places of the bits that are set, ascending; `count` is how many are. */
export function listBits(bits: Int32Array, count: number): Uint32Array<ArrayBuffer> {
  const list = new Uint32Array(count);
  let at = 0;
  for (let word = 0; word < bits.length; word++) {
    for (let rest = bits[word] ?? 0; rest !== 0; rest &= rest - 1) {
      list[at++] = (word << 5) | (31 - Math.clz32(rest & -rest));
    }
  }
  return list;
}

/** Coordinates of a table, a bit each; none at first, and no memory until there is one. */
export class CoordinateSet {
  readonly #tableSize: number;
  #bits = new Int32Array(0);
  #size = 0;

  constructor(tableSize: number) {
    this.#tableSize = tableSize;
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  add(coordinates: Uint32Array): void {
    if (this.#bits.length === 0) this.#bits = new Int32Array(Math.ceil(this.#tableSize / 32));
    const bits = this.#bits;
    for (let i = 0; i < coordinates.length; i++) {
      const coordinate = coordinates[i] ?? 0;
      const before = bits[coordinate >> 5] ?? 0;
      const after = before | (1 << (coordinate & 31));
      bits[coordinate >> 5] = after;
      this.#size += before === after ? 0 : 1;
    }
  }

  /** Returns all of them, ascending. */
  list(): Uint32Array<ArrayBuffer> {
    return listBits(this.#bits, this.#size);
  }

  clear(): void {
    this.#bits.fill(0);
    this.#size = 0;
  }
}
