import { CATEGORICAL_LENGTH_MAX } from '../../../shared/domain/feature-row.ts';
import type { AvroWriter } from '../../../shared/domain/avro-writer.ts';
import { SUBJECT_LENGTH_MAX } from '../../../shared/domain/check-item.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { CLIENT_ID_LENGTH_MAX } from '../../../shared/domain/prediction-id.ts';
import { KIND, RowHasher } from '../../../shared/domain/row-hasher.ts';
import { numberEnd, readNumber } from './plain-number.ts';
import { VALUE_BRANCH } from './prediction-avro.ts';

const BYTES_AT_FIRST = 512;
const QUOTE = 0x22;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const encoder = new TextEncoder();
const TOP = ['subject', 'features', 'id', 'predictedAtMs'].map((name) => encoder.encode(name));
const [SUBJECT, FEATURES, ID, PREDICTED_AT] = [0, 1, 2, 3];
const TRUE = encoder.encode('true');
const FALSE = encoder.encode('false');
const NULL = encoder.encode('null');

/**
 * A prediction request of one model, read from its bytes into a hashed row without making strings or objects. It reads plain
 * requests alone: JSON of printable ASCII without escapes, fields and features each once, every value of its type and within
 * its limits. Whatever is otherwise is not refused here: `read` returns false, and `parsePredict` finds the words.
 *
 * Use again and again: what was read is valid until the next `read`.
 */
export class PlainRequest {
  readonly spec: ModelSpec;
  readonly hasher: RowHasher;
  /** What was read, of `length` bytes, and a byte 0 behind it. */
  bytes: Uint8Array = new Uint8Array(BYTES_AT_FIRST);
  length = 0;
  subjectFrom = 0;
  subjectTo = 0;
  /** Where the client's id lies; `idTo` is 0 when it gave none. */
  idFrom = 0;
  idTo = 0;
  /** -1 when the client said none. */
  predictedAtMs = -1;
  readonly #names: readonly Uint8Array[];
  readonly #featureNames: Map<string, number>;
  /** Branch of each feature's value, and -1 before it was read. */
  readonly #branches: Int8Array;
  /** Where the text of each categorical feature lies. */
  readonly #from: Int32Array;
  readonly #to: Int32Array;
  readonly #numbers: Float64Array;
  #at = 0;
  #textFrom = 0;
  #textTo = 0;

  constructor(spec: ModelSpec) {
    this.spec = spec;
    this.hasher = new RowHasher(spec.features, spec.crosses);
    this.#names = spec.features.map(({ name }) => encoder.encode(name));
    this.#featureNames = new Map(spec.features.map(({ name }, column) => [name, column]));
    this.#branches = new Int8Array(spec.features.length);
    this.#from = new Int32Array(spec.features.length);
    this.#to = new Int32Array(spec.features.length);
    this.#numbers = new Float64Array(spec.features.length);
  }

  /**
   * Copies the body `from … to - 1` and returns whether it is a plain request, and if so what it holds is in the fields and
   * the hashed row.
   */
  read(source: Uint8Array, from = 0, to = source.length): boolean {
    this.#copy(source, from, to);
    this.#at = 0;
    this.subjectTo = 0;
    this.idTo = 0;
    this.predictedAtMs = -1;
    this.hasher.clear();
    this.#branches.fill(-1);
    if (!this.#readTop()) return false;
    this.#skipSpace();
    if (this.#at !== this.length) return false;
    this.hasher.finish();
    return true;
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    const length = to - from;
    if (length >= this.bytes.length) this.bytes = new Uint8Array(2 * length);
    this.bytes.set(source.subarray(from, to));
    this.bytes[length] = 0;
    this.length = length;
  }

  /** Writes the features as predictions.v1 has them. */
  writeFeatures(writer: AvroWriter): void {
    const branches = this.#branches;
    for (let column = 0; column < branches.length; column++) {
      const branch = branches[column] ?? 0;
      writer.writeLong(Math.max(branch, VALUE_BRANCH.null));
      if (branch === VALUE_BRANCH.string)
        writer.writeBytes(this.bytes, this.#from[column] ?? 0, this.#to[column] ?? 0);
      else if (branch === VALUE_BRANCH.double) writer.writeDouble(this.#numbers[column] ?? 0);
      else if (branch === VALUE_BRANCH.boolean) writer.writeBoolean(this.#numbers[column] === 1);
    }
  }

  #readTop(): boolean {
    let seen = 0;
    if (!this.#take(OPEN)) return false;
    do {
      if (!this.#readText() || !this.#take(COLON)) return false;
      const field = TOP.findIndex((name) => this.#isText(name));
      if (field < 0 || (seen & (1 << field)) !== 0) return false;
      seen |= 1 << field;
      if (!this.#readField(field)) return false;
    } while (this.#take(COMMA));
    return (seen & 3) === 3 && this.#take(CLOSE); // subject and features must be there
  }

  #readField(field: number): boolean {
    if (field === FEATURES) return this.#readFeatures();
    if (field === PREDICTED_AT) {
      this.#skipSpace();
      const time = readNumber(this.bytes, this.#at);
      if (!Number.isSafeInteger(time) || time < 0) return false;
      this.#at = numberEnd.at;
      this.predictedAtMs = time;
      return true;
    }
    if (!this.#readText()) return false;
    const [from, to] = [this.#textFrom, this.#textTo];
    if (field === SUBJECT) {
      this.subjectFrom = from;
      this.subjectTo = to;
      return to > from && to - from <= SUBJECT_LENGTH_MAX;
    }
    if (field !== ID || to === from || to - from > CLIENT_ID_LENGTH_MAX) return false;
    for (let at = from; at < to; at++) if (this.bytes[at] === 0x20) return false;
    this.idFrom = from;
    this.idTo = to;
    return true;
  }

  #readFeatures(): boolean {
    if (!this.#take(OPEN)) return false;
    if (this.#take(CLOSE)) return true;
    let next = 0;
    do {
      if (!this.#readText() || !this.#take(COLON)) return false;
      const column = this.#columnOf(next);
      if (column < 0 || this.#branches[column] !== -1 || !this.#readValue(column)) return false;
      next = column + 1;
    } while (this.#take(COMMA));
    return this.#take(CLOSE);
  }

  /** Returns the feature that the text names: most requests name them in the order of the spec. */
  #columnOf(next: number): number {
    const expected = this.#names[next];
    if (expected !== undefined && this.#isText(expected)) return next;
    let name = '';
    for (let at = this.#textFrom; at < this.#textTo; at++) name += String.fromCharCode(this.bytes[at] ?? 0);
    return this.#featureNames.get(name) ?? -1;
  }

  #readValue(column: number): boolean {
    const { hasher, bytes } = this;
    const kind = hasher.kinds[column];
    this.#skipSpace();
    const first = bytes[this.#at] ?? 0;
    if (first === QUOTE) {
      if (kind !== KIND.categorical || !this.#readText()) return false;
      if (this.#textTo - this.#textFrom > CATEGORICAL_LENGTH_MAX) return false;
      hasher.setBytes(column, bytes, this.#textFrom, this.#textTo);
      this.#from[column] = this.#textFrom;
      this.#to[column] = this.#textTo;
      this.#branches[column] = VALUE_BRANCH.string;
      return true;
    }
    if (first > 0x39) return this.#readWord(column);
    const number = readNumber(bytes, this.#at);
    if (kind === KIND.numeric && Number.isFinite(number)) hasher.setNumber(column, number);
    else if (kind === KIND.categorical && Number.isSafeInteger(number)) hasher.setInteger(column, number);
    else return false;
    this.#at = numberEnd.at;
    this.#numbers[column] = number;
    this.#branches[column] = VALUE_BRANCH.double;
    return true;
  }

  #readWord(column: number): boolean {
    if (this.#takeWord(NULL)) {
      this.#branches[column] = VALUE_BRANCH.null;
      return true;
    }
    if (this.hasher.kinds[column] !== KIND.boolean) return false;
    const isTrue = this.#takeWord(TRUE);
    if (!isTrue && !this.#takeWord(FALSE)) return false;
    this.hasher.setBoolean(column, isTrue);
    this.#numbers[column] = isTrue ? 1 : 0;
    this.#branches[column] = VALUE_BRANCH.boolean;
    return true;
  }

  #takeWord(word: Uint8Array): boolean {
    for (let k = 0; k < word.length; k++) if (this.bytes[this.#at + k] !== word[k]) return false;
    this.#at += word.length;
    return true;
  }

  /** Reads a string of printable ASCII without escapes; its inside lies from `#textFrom` to `#textTo`. */
  #readText(): boolean {
    if (!this.#take(QUOTE)) return false;
    const { bytes } = this;
    let at = this.#at;
    for (; ; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === QUOTE) break;
      if (byte < 0x20 || byte > 0x7e || byte === 0x5c) return false;
    }
    this.#textFrom = this.#at;
    this.#textTo = at;
    this.#at = at + 1;
    return true;
  }

  #isText(name: Uint8Array): boolean {
    const from = this.#textFrom;
    if (this.#textTo - from !== name.length) return false;
    for (let k = 0; k < name.length; k++) if (this.bytes[from + k] !== name[k]) return false;
    return true;
  }

  #take(byte: number): boolean {
    this.#skipSpace();
    if (this.bytes[this.#at] !== byte) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    const { bytes } = this;
    let byte = bytes[this.#at] ?? 0;
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) byte = bytes[++this.#at] ?? 0;
  }
}
