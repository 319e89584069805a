/** What stands before a record's body: a magic byte and the id of the schema it was written with (Confluent wire format). */
export const HEADER_BYTES = 5;

/** The Avro body of a record that was encoded by hand: it is written as it is, behind the header of its topic's schema. */
export class AvroBody {
  /** Room for the header, and the body: whoever knows the schema's id writes it there. */
  readonly record: Uint8Array;

  constructor(record: Uint8Array) {
    this.record = record;
  }

  get bytes(): Uint8Array {
    return this.record.subarray(HEADER_BYTES);
  }
}

const BYTES_AT_FIRST = 4096;
/** Longest encoding of a long, bytes. */
const LONG_BYTES = 10;
/** 2^28: what the lowest four bytes of a long hold. */
const FOUR_BYTES = 0x1000_0000;
/** Longest text whose length is written as one byte. */
const ASCII_LENGTH_MAX = 63;
const encoder = new TextEncoder();

/** Writes the primitives of Avro's binary encoding one after the other into bytes that grow (Apache Avro 1.11). */
export class AvroWriter {
  #bytes = new Uint8Array(BYTES_AT_FIRST);
  #length = 0;
  #view = new DataView(this.#bytes.buffer);

  get length(): number {
    return this.#length;
  }

  /** Forgets what was written; the memory is kept. */
  clear(): void {
    this.#length = 0;
  }

  /** Writes a whole number of at most ±(2^53 - 1), as a long or int. */
  writeLong(value: number): void {
    this.#reserve(LONG_BYTES);
    const bytes = this.#bytes;
    let at = this.#length;
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    while (rest >= FOUR_BYTES) {
      const high = Math.floor(rest / FOUR_BYTES);
      const low = rest - high * FOUR_BYTES;
      bytes[at++] = low | 0x80;
      bytes[at++] = (low >>> 7) | 0x80;
      bytes[at++] = (low >>> 14) | 0x80;
      bytes[at++] = (low >>> 21) | 0x80;
      rest = high;
    }
    while (rest > 0x7f) {
      bytes[at++] = rest | 0x80;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.#length = at;
  }

  writeDouble(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  writeBoolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value ? 1 : 0;
  }

  writeString(text: string): void {
    if (this.#writeAscii(text)) return;
    const bytes = encoder.encode(text);
    this.writeBytes(bytes, 0, bytes.length);
  }

  /** Writes a short text of ASCII, which is most of them, without making bytes of it first; false when it is none. */
  #writeAscii(text: string): boolean {
    const { length } = text;
    if (length > ASCII_LENGTH_MAX) return false;
    this.#reserve(1 + length);
    const bytes = this.#bytes;
    const at = this.#length + 1;
    for (let k = 0; k < length; k++) {
      const unit = text.charCodeAt(k);
      if (unit > 0x7f) return false;
      bytes[at + k] = unit;
    }
    bytes[this.#length] = 2 * length; // a length below 64 is one byte
    this.#length = at + length;
    return true;
  }

  /** Writes the bytes `from … to - 1` as a string or bytes: with their number before them. */
  writeBytes(from: Uint8Array, start: number, end: number): void {
    this.writeLong(end - start);
    this.#reserve(end - start);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let k = start; k < end; k++) bytes[at++] = from[k] ?? 0;
    this.#length = at;
  }

  /** Writes what another writer has, as it is. */
  append(other: AvroWriter): void {
    this.#reserve(other.length);
    this.#bytes.set(other.#bytes.subarray(0, other.#length), this.#length);
    this.#length += other.#length;
  }

  /** Returns a copy of what was written, with room for a record's header before it. */
  take(): AvroBody {
    const record = new Uint8Array(HEADER_BYTES + this.#length);
    record.set(this.#bytes.subarray(0, this.#length), HEADER_BYTES);
    return new AvroBody(record);
  }

  #reserve(count: number): void {
    const wanted = this.#length + count;
    if (wanted <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(wanted, 2 * this.#bytes.length));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}
