import { AvroReader } from '../../../shared/domain/avro-reader.ts';
import { ID_SEEDS } from '../../../shared/domain/duplicate-window.ts';
import type { TrainingEvents } from '../../../shared/domain/events.ts';
import { rowOrderOf } from '../../../shared/domain/feature-row-order.ts';
import { CATEGORICAL_LENGTH_MAX } from '../../../shared/domain/feature-row.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { murmur3OfBytes } from '../../../shared/domain/murmur3.ts';
import { skipServed, VALUE_TAG } from '../../../shared/domain/packed-events.ts';
import type { PackedEvents } from '../../../shared/domain/packed-events.ts';
import { KIND } from '../../../shared/domain/row-hasher.ts';
import type { RowHasher } from '../../../shared/domain/row-hasher.ts';
import { ID_LENGTH_MAX, SUBJECT_LENGTH_MAX, WEIGHT_MAX } from './check-event.ts';

/**
 * Reads the events of packed records one after the other: ids and names are hashed where they lie, so a usual event makes no
 * object and no string. An event that breaks any rule of `checkEvent` or `checkRow`, or might, is not regular: it must be decoded
 * to say what is wrong with it.
 */
export class EventReader {
  idFrom = 0;
  idTo = 0;
  /** The id's hash, as the duplicate window takes it. */
  idHigh = 0;
  idLow = 0;
  eventTimeMs = 0;
  label = 0;
  weight = 0;
  /** Whether the event was a prediction that a router answered. */
  isServed = false;
  /** Whether the event may be learned as it is; its row is in the hasher then. */
  isRegular = false;
  readonly #reader = new AvroReader();
  readonly #hasher: RowHasher;
  readonly #features: readonly FeatureSpec[];
  #names: readonly string[] = [];
  /** Place in the spec of each column of the record, or -1. */
  #featureOf = new Int32Array();
  #left = 0;
  #featuresAt = 0;

  constructor(features: readonly FeatureSpec[], hasher: RowHasher) {
    this.#features = features;
    this.#hasher = hasher;
  }

  /** Begins with the events of a record. */
  open({ featureNames }: Pick<TrainingEvents, 'featureNames'>, { bytes, at, end }: PackedEvents): void {
    this.#reader.open(bytes, at, end);
    this.#left = 0;
    if (featureNames === this.#names) return;
    this.#names = featureNames;
    const { columns } = rowOrderOf(featureNames, this.#features);
    this.#featureOf = new Int32Array(featureNames.length).fill(-1);
    columns.forEach((column, feature) => {
      if (column >= 0) this.#featureOf[column] = feature;
    });
  }

  /** Reads the next event; returns false after the last. */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) this.#left = reader.readBlock();
    if (this.#left === 0) return false;
    this.#left -= 1;
    const idLength = reader.readLength();
    this.idFrom = reader.at;
    this.idTo = reader.at += idLength;
    this.eventTimeMs = reader.readLong();
    const subjectLength = reader.readLength();
    reader.at += subjectLength;
    this.#featuresAt = reader.at;
    const isSoundRow = this.#readRow();
    this.label = reader.readDouble();
    this.weight = reader.readDouble();
    reader.skipBytes(); // labelSource
    this.isServed = reader.readLong() === 1;
    if (this.isServed) skipServed(reader);
    const { bytes } = reader;
    this.idHigh = murmur3OfBytes(bytes, ID_SEEDS.high, this.idFrom, this.idTo);
    this.idLow = murmur3OfBytes(bytes, ID_SEEDS.low, this.idFrom, this.idTo);
    this.isRegular =
      isSoundRow &&
      idLength >= 1 &&
      idLength <= ID_LENGTH_MAX &&
      subjectLength >= 1 &&
      subjectLength <= SUBJECT_LENGTH_MAX &&
      (this.label === 0 || this.label === 1) &&
      this.weight > 0 &&
      this.weight <= WEIGHT_MAX &&
      this.eventTimeMs >= 0;
    return true;
  }

  /** The bytes of the record that is being read. */
  get bytes(): Uint8Array {
    return this.#reader.bytes;
  }

  /** Returns the values of the present event in the order of the spec. */
  values(): FeatureValue[] {
    const reader = new AvroReader();
    reader.open(this.#reader.bytes, this.#featuresAt, this.#reader.end);
    const row = this.#features.map((): FeatureValue => null);
    let column = 0;
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock()) {
      for (; left > 0; left--, column++) {
        const value = decodeValue(reader);
        const feature = this.#featureOf[column] ?? -1;
        if (feature >= 0) row[feature] = value;
      }
    }
    return row;
  }

  /** Hashes the present event's values; returns whether they fit the record's columns and the spec. */
  #readRow(): boolean {
    const reader = this.#reader;
    const hasher = this.#hasher;
    const featureOf = this.#featureOf;
    hasher.clear();
    let isSound = true;
    let column = 0;
    for (let left = reader.readBlock(); left > 0; left = reader.readBlock()) {
      for (; left > 0; left--, column++) {
        const feature = column < featureOf.length ? (featureOf[column] ?? -1) : -1;
        const tag = reader.readLong();
        if (tag === VALUE_TAG.string) {
          const length = reader.readLength();
          const from = reader.at;
          reader.at = from + length;
          if (feature < 0) continue;
          if (hasher.kinds[feature] !== KIND.categorical || length > CATEGORICAL_LENGTH_MAX) isSound = false;
          else hasher.setBytes(feature, reader.bytes, from, reader.at);
        } else if (tag === VALUE_TAG.double) {
          const value = reader.readDouble();
          if (feature < 0) continue;
          const kind = hasher.kinds[feature];
          if (kind === KIND.numeric && Number.isFinite(value)) hasher.setNumber(feature, value);
          else if (kind === KIND.categorical && Number.isSafeInteger(value))
            hasher.setInteger(feature, value);
          else isSound = false;
        } else if (tag === VALUE_TAG.boolean) {
          const value = reader.readByte() === 1;
          if (feature < 0) continue;
          if (hasher.kinds[feature] !== KIND.boolean) isSound = false;
          else hasher.setBoolean(feature, value);
        }
      }
    }
    hasher.finish();
    return isSound && column === featureOf.length;
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
