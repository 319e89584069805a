import { murmur3 } from './murmur3.ts';
import { bytesOf, PAGE_BYTES, pageCount, pagedSection } from './state-section.ts';
import type { StateSection } from './state-section.ts';
import { HashSlotIndex } from './hash-slot-index.ts';

/** How far apart in record time two events with one id are still duplicates, ms. */
export const DUPLICATE_WINDOW_MS = 600_000;

/** Seeds of the two halves of an id's hash, murmur3 of its UTF-8 bytes. */
export const ID_SEEDS = { high: 0x1b56c4e9, low: 0x7f4a7c15 } as const;

/** The most ids remembered. */
export const DUPLICATE_IDS_MAX = 2 ** 20;

const CAPACITY_MIN = 2 ** 10;
const GROWTH = 4;
const ENTRY_BYTES = 16;
const HEAD = 0;
const COUNT = 1;
// Places of an entry's hash halves, counted from 4 · slot; the header comes first.
const HIGH = 4;
const LOW = 5;
const EVICTIONS_PER_CALL = 2;
const DIRTY = 1;
/** Places of the index fetched from memory at the same time while it is rebuilt. */
const WARMED_TOGETHER = 32;

/**
 * The ids of recent events. An id repeats when it was added within 10 minutes of record time, before or after, and at most
 * 2^20 ids ago. Record times may go back and forth; because a call forgets at most two ids, one record with a wrong time
 * does not empty the window.
 *
 * Ids are kept as 64-bit hashes (two murmur3): a new id is taken for a repeat with probability of at most
 * 2^20 / 2^64 = 2^-44, one event in 1.8e13. Memory: 16 bytes an id and 16 of index, 32 MiB at the most.
 *
 * State: a header (slot of the oldest id, number of ids, two zeros; int32) and a ring of entries (two int32 hashes, float64
 * record time), little-endian. Its bytes are a function of the calls alone; the index is rebuilt on restore.
 */
export class DuplicateWindow {
  #ints: Int32Array<ArrayBuffer>;
  #times: Float64Array<ArrayBuffer>;
  #index: HashSlotIndex;
  #pageFlags: Uint8Array;
  #capacity: number;
  /** Nobody reads it; without it the compiler would leave out what `warm` reads. */
  #warmed = 0;

  constructor() {
    const state = new ArrayBuffer(ENTRY_BYTES * (1 + CAPACITY_MIN));
    this.#ints = new Int32Array(state);
    this.#times = new Float64Array(state);
    this.#capacity = CAPACITY_MIN;
    this.#index = this.#emptyIndex();
    this.#pageFlags = new Uint8Array(pageCount(state.byteLength)).fill(DIRTY);
  }

  /**
   * Returns the window whose section had these bytes.
   *
   * @throws RangeError when they are not a window's
   */
  static restore(bytes: Uint8Array): DuplicateWindow {
    const window = new DuplicateWindow();
    window.#allocate(bytes.length / ENTRY_BYTES - 1);
    bytesOf(window.#ints).set(bytes);
    window.#checkHeader();
    window.#indexAll();
    window.#pageFlags.fill(0);
    return window;
  }

  /** How many ids are remembered, among them perhaps some older than the window. */
  get size(): number {
    return this.#ints[COUNT] ?? 0;
  }

  /** Returns true and remembers the id, or returns false when it repeats one in the window. Allocates only to grow. */
  addIfNew(id: string, recordTimeMs: number): boolean {
    return this.addHashIfNew(murmur3(id, ID_SEEDS.high), murmur3(id, ID_SEEDS.low), recordTimeMs);
  }

  /** As `addIfNew`, of an id that is hashed already with ID_SEEDS. */
  addHashIfNew(high: number, low: number, recordTimeMs: number): boolean {
    const known = this.#index.find(high, low);
    if (known >= 0 && !this.#isOutside(known, recordTimeMs)) return false;

    for (let evictions = 0; evictions < EVICTIONS_PER_CALL && this.size > 0; evictions++) {
      if (!this.#isOutside(this.#ints[HEAD] ?? 0, recordTimeMs)) break;
      this.#evictOldest();
    }
    if (this.size === this.#capacity) {
      if (this.#capacity === DUPLICATE_IDS_MAX) this.#evictOldest();
      else this.#grow();
    }
    this.#append(high, low, recordTimeMs);
    return true;
  }

  /** Prepares the processor's cache for an id that will be added soon: worth it for several at a time. Changes nothing. */
  warm(low: number): void {
    this.#warmed ^= this.#index.warm(low);
  }

  /** As `warm`, for the ids that so many new ones may drive out. */
  warmOldest(count: number): void {
    if (this.size < this.#capacity - count) return;
    const head = this.#ints[HEAD] ?? 0;
    for (let at = 0; at < count; at++) {
      this.#warmed ^= this.#index.warm(this.#half((head + at) & (this.#capacity - 1), LOW));
    }
  }

  section(name: string): StateSection {
    return pagedSection({
      name,
      bytes: () => bytesOf(this.#ints),
      pageFlags: () => this.#pageFlags,
      flag: DIRTY,
    });
  }

  #isOutside(slot: number, recordTimeMs: number): boolean {
    return Math.abs(recordTimeMs - (this.#times[2 * slot + 3] ?? 0)) > DUPLICATE_WINDOW_MS;
  }

  #half(slot: number, half: number): number {
    return this.#ints[4 * slot + half] ?? 0;
  }

  #append(high: number, low: number, recordTimeMs: number): void {
    const slot = ((this.#ints[HEAD] ?? 0) + this.size) & (this.#capacity - 1);
    this.#ints[4 * slot + HIGH] = high;
    this.#ints[4 * slot + LOW] = low;
    this.#times[2 * slot + 3] = recordTimeMs;
    this.#ints[COUNT] = this.size + 1;
    this.#index.put(slot, high, low);
    this.#pageFlags[0] = DIRTY;
    this.#pageFlags[Math.floor((ENTRY_BYTES * (slot + 1)) / PAGE_BYTES)] = DIRTY;
  }

  #evictOldest(): void {
    const head = this.#ints[HEAD] ?? 0;
    this.#index.remove(head, this.#half(head, HIGH), this.#half(head, LOW));
    this.#ints[HEAD] = (head + 1) & (this.#capacity - 1);
    this.#ints[COUNT] = this.size - 1;
  }

  /** Makes the ring four times as large, with the oldest id in slot 0: indexing all ids anew is most of the cost of growing. */
  #grow(): void {
    const old = this.#ints;
    const count = this.size;
    const split = 4 * (1 + (old[HEAD] ?? 0));
    this.#allocate(Math.min(GROWTH * this.#capacity, DUPLICATE_IDS_MAX));
    this.#ints.set(old.subarray(split), 4);
    this.#ints.set(old.subarray(4, split), 4 + old.length - split);
    this.#ints[COUNT] = count;
    this.#indexAll();
  }

  #allocate(capacity: number): void {
    if (!(
      capacity >= CAPACITY_MIN &&
      capacity <= DUPLICATE_IDS_MAX &&
      Number.isInteger(Math.log2(capacity))
    )) {
      const allowed = `a power of two in ${String(CAPACITY_MIN)} … ${String(DUPLICATE_IDS_MAX)}`;
      throw new RangeError(
        `restoring the duplicate window: capacity ${String(capacity)}, allowed ${allowed}`,
      );
    }
    const state = new ArrayBuffer(ENTRY_BYTES * (1 + capacity));
    this.#ints = new Int32Array(state);
    this.#times = new Float64Array(state);
    this.#capacity = capacity;
    this.#pageFlags = new Uint8Array(pageCount(state.byteLength)).fill(DIRTY);
  }

  #checkHeader(): void {
    const head = this.#ints[HEAD] ?? 0;
    if (head >= 0 && head < this.#capacity && this.size >= 0 && this.size <= this.#capacity) return;
    const found = `head ${String(head)}, count ${String(this.size)}`;
    throw new RangeError(`restoring the duplicate window: ${found}, allowed up to ${String(this.#capacity)}`);
  }

  #indexAll(): void {
    this.#index = this.#emptyIndex();
    const head = this.#ints[HEAD] ?? 0;
    const mask = this.#capacity - 1;
    const count = this.size;
    for (let from = 0; from < count; from += WARMED_TOGETHER) {
      const to = Math.min(count, from + WARMED_TOGETHER);
      for (let at = from; at < to; at++) this.warm(this.#half((head + at) & mask, LOW));
      for (let at = from; at < to; at++) {
        const slot = (head + at) & mask;
        this.#index.put(slot, this.#half(slot, HIGH), this.#half(slot, LOW));
      }
    }
  }

  #emptyIndex(): HashSlotIndex {
    return new HashSlotIndex(this.#capacity, (slot) => this.#half(slot, HIGH));
  }
}
