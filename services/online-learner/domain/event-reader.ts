import { AvroReader } from '../../../shared/domain/avro-reader.ts';
import { ID_SEEDS } from '../../../shared/domain/duplicate-window.ts';
import type { TrainingEvents } from '../../../shared/domain/events.ts';
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

const EVENT_BYTES = 32;
const COLUMNS_MAX = 4096;
const INPUT_BYTES = 65_536;
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
  open(columns: number): void;
  read(max: number): number;
  readonly rows: KernelNumber;
  readonly rowBytes: KernelNumber;
  readonly events: KernelNumber;
  readonly featureOf: KernelNumber;
  readonly input: KernelNumber;
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
  #eventInts = new Int32Array();
  #eventDoubles = new Float64Array();
  #rows = new Uint8Array();
  #rowDoubles = new Float64Array();
  /** The first rows as one piece, by how many they are; made when first asked for. */
  #blocks: Uint8Array[] = [];
  #names: readonly string[] = [];
  #columns = 0;
  /** For each feature the record's column, or -1. */
  #columnOf: Int32Array = new Int32Array();
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;
  #end = 0;

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

  /** Begins with the events of a record. */
  open({ featureNames }: Pick<TrainingEvents, 'featureNames'>, { bytes, at, end }: PackedEvents): void {
    if (end - at > this.#input.length) this.#reserve(end - at);
    this.#bytes = bytes;
    this.#at = at;
    this.#end = end;
    this.#input.set(new Uint8Array(bytes.buffer, bytes.byteOffset + at, end - at));
    if (featureNames !== this.#names) this.#arrange(featureNames);
    this.#kernel.open(this.#columns);
  }

  /** Reads the next events and returns how many, 0 after the last. One that is not regular is the last of them. */
  read(): number {
    return this.#kernel.read(KERNEL_ROWS_MAX);
  }

  /** Whether an event may be learned as it is. */
  isRegular(place: number): boolean {
    return ((this.#eventInts[8 * place + 5] ?? 0) & REGULAR) !== 0;
  }

  /** Whether an event was a prediction that a router answered. */
  isServed(place: number): boolean {
    return ((this.#eventInts[8 * place + 5] ?? 0) & SERVED) !== 0;
  }

  /** How many events were read before this one by the same call. */
  indexOf(place: number): number {
    return (this.#eventInts[8 * place + 5] ?? 0) >>> 8;
  }

  /** Where an id begins in the record's bytes. */
  idFrom(place: number): number {
    return this.#at + (this.#eventInts[8 * place] ?? 0);
  }

  /** Where it ends, exclusive. */
  idTo(place: number): number {
    return this.#at + (this.#eventInts[8 * place + 1] ?? 0);
  }

  /** An id's hash, as the duplicate window takes it. */
  idHigh(place: number): number {
    return this.#eventInts[8 * place + 2] ?? 0;
  }

  idLow(place: number): number {
    return this.#eventInts[8 * place + 3] ?? 0;
  }

  eventTimeMs(place: number): number {
    return this.#eventDoubles[4 * place + 3] ?? 0;
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
    this.#eventInts.copyWithin(8 * to, 8 * from, 8 * (from + 1));
  }

  /** Returns the first rows, as a step takes them. */
  block(rows: number): Uint8Array {
    return (this.#blocks[rows] ??= this.#rows.subarray(0, rows * this.#rowBytes));
  }

  /** Returns the values of an event in the order of the spec. */
  values(place: number): FeatureValue[] {
    const reader = this.#valueReader;
    reader.open(this.#bytes, this.#at + (this.#eventInts[8 * place + 4] ?? 0), this.#end);
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

  /** Tells the kernel which feature each column of the record is. */
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
