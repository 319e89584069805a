/**
 * Merges the (index, value) pairs of a row into distinct coordinates, in order of first occurrence, in time linear in the
 * width: a small open-addressed table whose entries are valid for one generation. Results stay until the next merge.
 */
export class SlotMerger {
  /** The distinct indices. */
  readonly coordinates: Int32Array;
  /** For each of them the sum of its values. */
  readonly sums: Float64Array;
  /** For each of them the slot in which it occurred first. */
  readonly slots: Int32Array;
  readonly #width: number;
  readonly #mask: number;
  readonly #generations: Uint32Array;
  readonly #entries: Int32Array;
  #generation = 0;

  constructor(width: number) {
    const size = 4 * 2 ** Math.ceil(Math.log2(width + 1));
    this.coordinates = new Int32Array(width);
    this.sums = new Float64Array(width);
    this.slots = new Int32Array(width);
    this.#width = width;
    this.#mask = size - 1;
    this.#generations = new Uint32Array(size);
    this.#entries = new Int32Array(size);
  }

  /** Returns how many distinct coordinates have a value other than 0 among the pairs that start at element `at`. */
  merge(indices: Int32Array, values: Float32Array, at: number): number {
    const { coordinates, sums, slots } = this;
    const generations = this.#generations;
    const entries = this.#entries;
    const mask = this.#mask;
    const generation = this.#nextGeneration();
    let count = 0;
    for (let k = 0; k < this.#width; k++) {
      const value = values[at + k] ?? 0;
      if (value === 0) continue;
      const index = indices[at + k] ?? 0;
      let place = index & mask;
      while (generations[place] === generation && coordinates[entries[place] ?? 0] !== index) {
        place = (place + 1) & mask;
      }
      if (generations[place] === generation) {
        const entry = entries[place] ?? 0;
        sums[entry] = (sums[entry] ?? 0) + value;
        continue;
      }
      generations[place] = generation;
      entries[place] = count;
      coordinates[count] = index;
      sums[count] = value;
      slots[count] = k;
      count++;
    }
    return count;
  }

  #nextGeneration(): number {
    if (this.#generation === 0x3fff_ffff) {
      this.#generations.fill(0);
      this.#generation = 0;
    }
    return ++this.#generation;
  }
}
