import { AvroReader, isUtf8 } from './avro-reader.ts';

/** The events of one record of training-events.v1 as they lie in its bytes, known to be whole and sound Avro. */
export interface PackedEvents {
  readonly bytes: Uint8Array;
  /** Where the array of events begins. */
  readonly at: number;
  readonly end: number;
}

/** What stands before the events of a record, and where these are. */
export interface PackedHeader extends PackedEvents {
  readonly model: string;
  readonly shard: number;
  /** One and the same list for records whose headers are the same. */
  readonly featureNames: readonly string[];
  readonly watermarkMs: number | null;
}

/** Tags of the union of a feature's value, in the order of the schema. */
export const VALUE_TAG = { null: 0, boolean: 1, double: 2, string: 3 } as const;

/** Bytes of a long that is a safe integer whatever they are. */
const TIME_BYTES_MAX = 7;

/** Longest record header that is compared with the one before, bytes. */
const HEADER_BYTES_MAX = 4096;

/**
 * Skims records of training-events.v1 in our own version of its schema: decodes what stands before the events and walks over
 * them once, so that they can be read later without looking for their end or failing half way. Makes no objects for the
 * events. Sound but not complete: what it does not take (null) may still be a record, for the schema's own decoder to say.
 */
export class PackedSkimmer implements PackedHeader {
  model = '';
  shard = 0;
  featureNames: readonly string[] = [];
  watermarkMs: number | null = null;
  bytes: Uint8Array = new Uint8Array();
  at = 0;
  end = 0;
  readonly #reader = new AvroReader();
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  /** Bytes of model, shard and feature names of the record before, which most often are those of the next one. */
  readonly #known = new Uint8Array(HEADER_BYTES_MAX);
  #knownLength = 0;

  /** Returns the record in the bytes `from … to - 1`, or null when it is not taken; reused by the next call. */
  skim(bytes: Uint8Array, from: number, to = bytes.length): PackedHeader | null {
    const reader = this.#reader;
    reader.open(bytes, from, to);
    if (!this.#passKnown(bytes, from, to)) this.#readHeader(bytes, from);
    this.watermarkMs = readOptionalLong(reader);
    this.bytes = bytes;
    this.at = reader.at;
    this.end = to;
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock())
      for (; left > 0; left--) if (!this.#skimShort()) this.#skimEvent();
    if (reader.isBroken || reader.at !== to) return null;
    return this;
  }

  #passKnown(bytes: Uint8Array, from: number, to: number): boolean {
    const known = this.#known;
    const length = this.#knownLength;
    if (length === 0 || from + length > to) return false;
    for (let k = 0; k < length; k++) if (bytes[from + k] !== known[k]) return false;
    this.#reader.at = from + length;
    return true;
  }

  #readHeader(bytes: Uint8Array, from: number): void {
    const reader = this.#reader;
    this.model = this.#text();
    this.shard = reader.readInt();
    const names: string[] = [];
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock())
      for (; left > 0; left--) names.push(this.#text());
    this.featureNames = names;
    const length = reader.at - from;
    this.#knownLength = reader.isBroken || length > HEADER_BYTES_MAX ? 0 : length;
    this.#known.set(bytes.subarray(from, from + this.#knownLength));
  }

  #text(): string {
    const reader = this.#reader;
    const length = reader.readLength();
    const text = this.#decoder.decode(reader.bytes.subarray(reader.at, reader.at + length));
    this.#skimText(length);
    return text;
  }

  /** Passes over text, which must be UTF-8: other bytes hash otherwise than the text they decode to. */
  #skimText(length: number): void {
    const reader = this.#reader;
    const { bytes, at } = reader;
    const end = at + length;
    let all = 0;
    for (let k = at; k < end; k++) all |= bytes[k] ?? 0;
    if (all > 0x7f && !isUtf8(bytes, at, end)) reader.isBroken = true;
    reader.at = end;
  }

  /**
   * Passes over an event as most are: texts of ASCII below 64 bytes, values in one block, nothing served. Returns false when it is
   * another one, and stays where it begins.
   */
  #skimShort(): boolean {
    const reader = this.#reader;
    const { bytes } = reader;
    let at = reader.at;
    const id = bytes[at++] ?? 0;
    let all = 0;
    let odd = id;
    for (const end = at + (id >>> 1); at < end; at++) all |= bytes[at] ?? 0;
    const timeAt = at;
    while ((bytes[at++] ?? 0) > 0x7f) if (at - timeAt === TIME_BYTES_MAX) return false;
    const subject = bytes[at++] ?? 0;
    at += subject >>> 1;
    const count = bytes[at++] ?? 0;
    odd |= subject | count;
    for (let left = count >>> 1; left > 0; left--) {
      const tag = bytes[at++] ?? 0;
      if (tag === 2 * VALUE_TAG.string) {
        const text = bytes[at++] ?? 0;
        odd |= text;
        for (const end = at + (text >>> 1); at < end; at++) all |= bytes[at] ?? 0;
      } else if (tag === 2 * VALUE_TAG.double) at += 8;
      else if (tag === 2 * VALUE_TAG.boolean) all |= (bytes[at++] ?? 0) > 1 ? 0x80 : 0;
      else if (tag !== 2 * VALUE_TAG.null) return false;
    }
    if (count > 0) all |= (bytes[at++] ?? 0) && 0x80; // no second block
    at += 16; // label, weight
    const source = bytes[at++] ?? 0;
    at += source >>> 1;
    const served = bytes[at++] ?? 0;
    // Odd numbers are below 0, and those with the highest bit go on.
    if (((odd | source) & 0x81) !== 0 || all > 0x7f || served !== 0 || at > reader.end) return false;
    reader.at = at;
    return true;
  }

  #skimEvent(): void {
    const reader = this.#reader;
    this.#skimText(reader.readLength()); // id
    reader.readLong(); // eventTimeMs
    reader.skipBytes(); // subject
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock())
      for (; left > 0; left--) this.#skimValue();
    reader.skip(16); // label, weight
    reader.skipBytes(); // labelSource
    const tag = reader.readLong();
    if (tag === 1) skipServed(reader);
    else if (tag !== 0) reader.isBroken = true;
  }

  #skimValue(): void {
    const reader = this.#reader;
    const tag = reader.readLong();
    if (tag === VALUE_TAG.string) this.#skimText(reader.readLength());
    else if (tag === VALUE_TAG.double) reader.skip(8);
    else if (tag === VALUE_TAG.boolean) reader.isBroken ||= reader.readByte() > 1;
    else if (tag !== VALUE_TAG.null) reader.isBroken = true;
  }
}

/** Returns a long of a union with null; null for any other branch, which breaks unless it is that of null. */
function readOptionalLong(reader: AvroReader): number | null {
  const tag = reader.readLong();
  if (tag === 1) return reader.readLong();
  if (tag !== 0) reader.isBroken = true;
  return null;
}

/** Passes over what was served, behind the branch that says that something was. */
function skipServed(reader: AvroReader): void {
  reader.skipBytes(); // predictionId
  reader.readLong(); // predictedAtMs
  reader.readLong(); // planVersion
  reader.skipBytes(); // assignedArm
  reader.readInt(); // servedVersion
  reader.skip(8); // assignmentProbability
  for (let left = reader.readBlock(); left > 0; left = reader.readBlock()) {
    for (; left > 0; left--) {
      reader.readInt(); // version
      const tag = reader.readLong(); // score
      if (tag === 1) reader.skip(8);
      else if (tag !== 0) reader.isBroken = true;
      reader.readInt(); // scoringMicros
      reader.isBroken ||= reader.readByte() > 1; // failed
    }
  }
  readOptionalLong(reader); // labelledAtMs
}
