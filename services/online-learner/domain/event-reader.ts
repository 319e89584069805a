import { AvroReader } from '../../../shared/domain/avro-reader.ts';
import { ID_SEEDS } from '../../../shared/domain/duplicate-window.ts';
import { rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import { CATEGORICAL_LENGTH_MAX } from '../../../shared/domain/feature-row.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { VALUE_TAG } from '../../../shared/domain/packed-events.ts';
import type { PackedEvents } from '../../../shared/domain/packed-events.ts';
import type { RowHasher } from '../../../shared/domain/row-hasher.ts';
import { ID_LENGTH_MAX, SUBJECT_LENGTH_MAX, WEIGHT_MAX } from './check-event.ts';
import { startKernel } from './kernel-module.ts';
import type { KernelNumber } from './kernel-module.ts';
import { rowExtent, writeRowTables } from './row-tables.ts';
import type { RowTables } from './row-tables.ts';
import { KERNEL_ROWS_MAX } from './step-kernel.ts';

const EVENT_BYTES = 40;
const EVENT_INTS = EVENT_BYTES / 4;
const EVENT_DOUBLES = EVENT_BYTES / 8;
const COLUMNS_MAX = 4096;
/** Records of at most so many bytes and so many of them are read together. */
const INPUT_BYTES = 65_536;
const RECORDS_MAX = 1024;
const REGULAR = 1;
const SERVED = 2;

/** What the compiled module exports; addresses are bytes in its memory. */
interface ReaderExports extends RowTables {
  configure(
    features: number,
    numerics: number,
    crosses: number,
    parts: number,
    idHighSeed: number,
    idLowSeed: number,
  ): void;
  setLimits(id: number, subject: number, text: number, weight: number): void;
  reserve(bytes: number): void;
  open(columns: number, records: number): void;
  read(max: number): number;
  readonly rows: KernelNumber;
  readonly rowBytes: KernelNumber;
  readonly events: KernelNumber;
  readonly featureOf: KernelNumber;
  readonly input: KernelNumber;
  readonly starts: KernelNumber;
}

/** A record whose events may be packed. */
export interface ReadableRecord {
  readonly value: { readonly featureNames: readonly string[]; readonly packed?: PackedEvents | undefined };
}

/**
 * Reads the events of packed records, many at a time, in compiled code (`../kernel/reader`): ids and names are hashed where they
 * lie, into rows as the step takes them. An event that breaks any rule of `checkEvent` or `checkRow`, or might, is not
 * regular: it must be decoded to say what is wrong with it.
 */
export class EventReader {
  readonly #kernel: ReaderExports;
  readonly #features: readonly FeatureSpec[];
  readonly #rowBytes: number;
  readonly #valueReader = new AvroReader();
  // Views of the kernel's memory, made anew when it grows.
  #input = new Uint8Array();
  #starts = new Int32Array();
  #eventInts = new Int32Array();
  #eventDoubles = new Float64Array();
  #rows = new Uint8Array();
  #rowDoubles = new Float64Array();
  /** The first rows as one piece, by how many they are; made when first asked for. */
  #blocks: Uint8Array[] = [];
  #names: readonly string[] = [];
  #columns = 0;
  /** For each feature the records' column, or -1. */
  #columnOf: Int32Array = new Int32Array();

  constructor(features: readonly FeatureSpec[], hasher: RowHasher) {
    this.#features = features;
    const kernel = startKernel('reader') as unknown as ReaderExports;
    this.#kernel = kernel;
    const { numerics, crosses, parts } = rowExtent(hasher);
    kernel.configure(features.length, numerics, crosses, parts, ID_SEEDS.high, ID_SEEDS.low);
    kernel.setLimits(ID_LENGTH_MAX, SUBJECT_LENGTH_MAX, CATEGORICAL_LENGTH_MAX, WEIGHT_MAX);
    this.#rowBytes = kernel.rowBytes.value;
    this.#reserve(INPUT_BYTES);

    writeRowTables(kernel, hasher);
  }

  /** The bytes in which `idFrom` and `idTo` are places. */
  get bytes(): Uint8Array {
    return this.#input;
  }

  /**
   * Begins with the events of records, from `from` on as many before `to` as can be read together, and returns the first that is not:
   * they have the same header and lie near each other in the same memory. The first one must be packed.
   */
  open(records: readonly ReadableRecord[], from: number, to: number): number {
    const first = records[from]?.value;
    if (first?.packed === undefined) throw new TypeError('reading events: they are not packed');
    const { buffer, byteOffset } = first.packed.bytes;
    const begin = byteOffset + first.packed.at;
    let end = byteOffset + first.packed.end;
    let starts = this.#starts;
    starts[0] = 0;
    let next = from + 1;
    for (const last = Math.min(to, from + RECORDS_MAX); next < last; next++) {
      const { packed, featureNames } = records[next]?.value ?? first;
      if (packed === undefined || featureNames !== first.featureNames) break;
      const { bytes } = packed;
      const start = bytes.byteOffset + packed.at - begin;
      if (bytes.buffer !== buffer || start < 0 || bytes.byteOffset + packed.end - begin > INPUT_BYTES) break;
      starts[next - from] = start;
      end = bytes.byteOffset + packed.end;
    }
    if (end - begin > this.#input.length) {
      this.#reserve(end - begin);
      starts = this.#starts;
    }
    this.#input.set(new Uint8Array(buffer, begin, end - begin));
    if (first.featureNames !== this.#names) this.#arrange(first.featureNames);
    this.#kernel.open(this.#columns, next - from);
    return next;
  }

  /** Reads the next events and returns how many, 0 after the last. One that is not regular is the last of them. */
  read(): number {
    return this.#kernel.read(KERNEL_ROWS_MAX);
  }

  /** Whether an event may be learned as it is. */
  isRegular(place: number): boolean {
    return (this.#int(place, 5) & REGULAR) !== 0;
  }

  /** Whether an event was a prediction that a router answered. */
  isServed(place: number): boolean {
    return (this.#int(place, 5) & SERVED) !== 0;
  }

  /** Which of the records an event is of, 0 …. */
  recordOf(place: number): number {
    return this.#int(place, 8);
  }

  /** Which of its record's events it is, 0 …. */
  itemOf(place: number): number {
    return this.#int(place, 9);
  }

  /** Where an id begins in `bytes`. */
  idFrom(place: number): number {
    return this.#int(place, 0);
  }

  /** Where it ends, exclusive. */
  idTo(place: number): number {
    return this.#int(place, 1);
  }

  /** An id's hash, as the duplicate window takes it. */
  idHigh(place: number): number {
    return this.#int(place, 2);
  }

  idLow(place: number): number {
    return this.#int(place, 3);
  }

  eventTimeMs(place: number): number {
    return this.#eventDoubles[EVENT_DOUBLES * place + 3] ?? 0;
  }

  label(row: number): number {
    return this.#rowDoubles[(row * this.#rowBytes) / 8] ?? 0;
  }

  weight(row: number): number {
    return this.#rowDoubles[(row * this.#rowBytes) / 8 + 1] ?? 0;
  }

  /** Puts an event and its row into an earlier place. */
  move(from: number, to: number): void {
    this.#rows.copyWithin(to * this.#rowBytes, from * this.#rowBytes, (from + 1) * this.#rowBytes);
    this.#eventInts.copyWithin(EVENT_INTS * to, EVENT_INTS * from, EVENT_INTS * (from + 1));
  }

  /** Returns the first rows, as a step takes them. */
  block(rows: number): Uint8Array {
    return (this.#blocks[rows] ??= this.#rows.subarray(0, rows * this.#rowBytes));
  }

  /** Returns the values of an event in the order of the spec. */
  values(place: number): FeatureValue[] {
    const reader = this.#valueReader;
    reader.open(this.#input, this.#int(place, 4), this.#input.length);
    const row = this.#features.map((): FeatureValue => null);
    let column = 0;
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock()) {
      for (; left > 0; left--, column++) {
        const value = decodeValue(reader);
        const feature = this.#columnOf.indexOf(column);
        if (feature >= 0) row[feature] = value;
      }
    }
    return row;
  }

  #int(place: number, at: number): number {
    return this.#eventInts[EVENT_INTS * place + at] ?? 0;
  }

  /** Tells the kernel which feature each column of the records is. */
  #arrange(featureNames: readonly string[]): void {
    this.#names = featureNames;
    // Events of a record with more columns than that have another number of them, and are not regular.
    this.#columns = featureNames.length > COLUMNS_MAX ? -1 : featureNames.length;
    const featureOf = new Int32Array(this.#kernel.memory.buffer, this.#kernel.featureOf.value, COLUMNS_MAX);
    featureOf.fill(-1);
    this.#columnOf = rowOrderOf(featureNames, this.#features).columns;
    this.#columnOf.forEach((column, feature) => {
      if (column >= 0 && column < COLUMNS_MAX) featureOf[column] = feature;
    });
  }

  #reserve(bytes: number): void {
    const kernel = this.#kernel;
    kernel.reserve(bytes);
    const { buffer } = kernel.memory;
    const rowsLength = KERNEL_ROWS_MAX * this.#rowBytes;
    this.#input = new Uint8Array(buffer, kernel.input.value, bytes);
    this.#starts = new Int32Array(buffer, kernel.starts.value, RECORDS_MAX);
    this.#eventInts = new Int32Array(buffer, kernel.events.value, (KERNEL_ROWS_MAX * EVENT_BYTES) / 4);
    this.#eventDoubles = new Float64Array(buffer, kernel.events.value, (KERNEL_ROWS_MAX * EVENT_BYTES) / 8);
    this.#rows = new Uint8Array(buffer, kernel.rows.value, rowsLength);
    this.#rowDoubles = new Float64Array(buffer, kernel.rows.value, rowsLength / 8);
    this.#blocks = [];
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function decodeValue(reader: AvroReader): FeatureValue {
  const tag = reader.readLong();
  if (tag === VALUE_TAG.double) return reader.readDouble();
  if (tag === VALUE_TAG.boolean) return reader.readByte() === 1;
  if (tag !== VALUE_TAG.string) return null;
  const length = reader.readLength();
  const from = reader.at;
  reader.at += length;
  return decoder.decode(reader.bytes.subarray(from, reader.at));
}
