/**
 * Finds the newest slot that holds a 64-bit hash: open addressing with linear probing and backward-shift deletion, at most
 * half full. Each place keeps the low half beside the slot, so that a probe rarely reads anything else. Derived data: its
 * layout is not state, only what it answers.
 */
export class HashSlotIndex {
  readonly #highOf: (slot: number) => number;
  /** Pairs: slot + 1 (0 when the place is free), low half of its hash. */
  readonly #places: Int32Array;
  readonly #mask: number;

  /**
   * @param capacity the most slots indexed at once, a power of two
   * @param highOf returns the high half of the hash that a slot holds
   */
  constructor(capacity: number, highOf: (slot: number) => number) {
    this.#highOf = highOf;
    this.#places = new Int32Array(4 * capacity);
    this.#mask = 2 * capacity - 1;
  }

  /** Returns the slot, or -1. */
  find(high: number, low: number): number {
    return (this.#places[2 * this.#placeOf(high, low)] ?? 0) - 1;
  }

  /**
   * Reads the place where a search for a hash begins and returns what is there. Asked for many hashes one after the other, the
   * processor fetches all their places from memory at the same time; the searches that follow find them in its cache.
   */
  warm(low: number): number {
    return this.#places[2 * (low & this.#mask)] ?? 0;
  }

  /** Adds a slot that holds this hash; it takes the place of an older slot with the same hash. */
  put(slot: number, high: number, low: number): void {
    const place = this.#placeOf(high, low);
    this.#places[2 * place] = slot + 1;
    this.#places[2 * place + 1] = low;
  }

  /** Removes a slot that holds this hash; does nothing when a newer slot has taken its place. */
  remove(slot: number, high: number, low: number): void {
    const places = this.#places;
    const mask = this.#mask;
    let hole = this.#placeOf(high, low);
    if (places[2 * hole] !== slot + 1) return;
    for (let place = (hole + 1) & mask; places[2 * place] !== 0; place = (place + 1) & mask) {
      const home = (places[2 * place + 1] ?? 0) & mask;
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      places.copyWithin(2 * hole, 2 * place, 2 * place + 2);
      hole = place;
    }
    places[2 * hole] = 0;
  }

  /** Where the hash is, or the free place at which it would go. */
  #placeOf(high: number, low: number): number {
    const places = this.#places;
    let place = low & this.#mask;
    for (;;) {
      const taken = places[2 * place] ?? 0;
      if (taken === 0) return place;
      if (places[2 * place + 1] === low && this.#highOf(taken - 1) === high) return place;
      place = (place + 1) & this.#mask;
    }
  }
}
