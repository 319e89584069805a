/** Smaller memory is not worth keeping; bytes. */
const BYTES_MIN = 4096;
/** Larger memory is rare, and would be kept for nothing; bytes. */
const BYTES_MAX = 8 * 1024 * 1024;
/** Most pieces that are kept. */
const SPARES_MAX = 4;

/**
 * Memory that is lent, given back and lent again. Megabytes that come and go make the collector look through all that lives, again and
 * again: to V8 they are garbage outside of its heap.
 */
export class SpareMemory {
  /** Ascending by size. */
  #spares: ArrayBuffer[] = [];
  readonly #lent = new WeakSet<ArrayBufferLike>();

  /** Returns at least so many bytes, whatever is in them: a power of two, so that what grows a little fits the next time. */
  lend(bytes: number): ArrayBuffer {
    const at = this.#spares.findIndex(({ byteLength }) => byteLength >= bytes);
    const [spare] = at < 0 ? [] : this.#spares.splice(at, 1);
    const buffer = spare ?? new ArrayBuffer(2 ** Math.ceil(Math.log2(Math.max(bytes, BYTES_MIN))));
    this.#lent.add(buffer);
    return buffer;
  }

  /** Takes back what nobody reads any more; the smallest goes when there is too much. What was not lent is left alone. */
  giveBack(buffer: ArrayBufferLike): void {
    if (!this.#lent.delete(buffer) || buffer.byteLength > BYTES_MAX) return;
    this.#spares.push(buffer as ArrayBuffer); // as all that is lent
    this.#spares.sort((a, b) => a.byteLength - b.byteLength);
    if (this.#spares.length > SPARES_MAX) this.#spares.shift();
  }
}
