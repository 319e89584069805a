/** 2^53: whole numbers from here on are not exact. */
const UNSAFE = 2 ** 53;

/**
 * Reads the primitives of Avro's binary encoding out of bytes, one after the other (Apache Avro 1.11, "Binary Encoding").
 * It never throws: what does not fit, or is past the end, sets `isBroken`, and what is returned from then on means nothing.
 * It makes no objects.
 */
export class AvroReader {
  bytes: Uint8Array = new Uint8Array();
  /** Next byte to read. */
  at = 0;
  end = 0;
  isBroken = false;
  readonly #scratch = new Uint8Array(8);
  readonly #double = new Float64Array(this.#scratch.buffer);

  /** Begins to read the bytes `from … to - 1`. */
  open(bytes: Uint8Array, from: number, to: number): void {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
    this.isBroken = false;
  }

  /** Returns a long (or int) of at most ±(2^53 - 1); a larger one breaks. */
  readLong(): number {
    const { bytes } = this;
    const first = bytes[this.at] ?? 0;
    if (first < 0x80) {
      this.at += 1;
      if (this.at > this.end) this.isBroken = true;
      return (first >>> 1) ^ -(first & 1);
    }
    let at = this.at + 1;
    let value = first & 0x7f;
    let scale = 128;
    for (;;) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (at - this.at > 8) {
        this.isBroken = true;
        break;
      }
    }
    this.at = at;
    if (at > this.end || value >= UNSAFE) this.isBroken = true;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** Returns an int; a number beyond 32 bits breaks. */
  readInt(): number {
    const value = this.readLong();
    if (value !== (value | 0)) this.isBroken = true;
    return value;
  }

  /** Returns the number of bytes of a string or bytes, whose first one is then at `at`; the caller moves on. */
  readLength(): number {
    const length = this.readLong();
    if (length >= 0 && length <= this.end - this.at) return length;
    this.isBroken = true;
    return 0;
  }

  /** Passes over a string or bytes. */
  skipBytes(): void {
    const length = this.readLength(); // by itself: it moves `at`
    this.at += length;
  }

  /** Passes over so many bytes of fixed size. */
  skip(count: number): void {
    this.at += count;
    if (this.at > this.end) this.isBroken = true;
  }

  /**
   * Returns the number of items of the next block of an array, 0 at its end. Items take at least a byte each, so a number
   * beyond the bytes that are left breaks, and what is broken has no further block.
   */
  readBlock(): number {
    let count = this.readLong();
    if (count < 0) {
      count = -count;
      this.readLong(); // the size of the block in bytes, which is for those who skip it
    }
    if (count > this.end - this.at) this.isBroken = true;
    return this.isBroken ? 0 : count;
  }

  /** Returns a double. */
  readDouble(): number {
    const { bytes, at } = this;
    const scratch = this.#scratch;
    for (let k = 0; k < 8; k++) scratch[k] = bytes[at + k] ?? 0;
    this.skip(8);
    return this.#double[0] ?? 0;
  }

  /** Returns a byte. */
  readByte(): number {
    const byte = this.bytes[this.at] ?? 0;
    this.skip(1);
    return byte;
  }
}

/** Returns whether bytes are UTF-8 as TextDecoder takes it without putting U+FFFD anywhere (Unicode 15, table 3-7). */
export function isUtf8(bytes: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to;) {
    const first = bytes[i] ?? 0;
    if (first < 0x80) {
      i += 1;
      continue;
    }
    const size = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
    if (size === 0 || i + size > to) return false;
    const second = bytes[i + 1] ?? 0;
    const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
    const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
    if (second < least || second > most) return false;
    for (let k = 2; k < size; k++) if (((bytes[i + k] ?? 0) & 0xc0) !== 0x80) return false;
    i += size;
  }
  return true;
}
