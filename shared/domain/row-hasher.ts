import type { FeatureSpec, FeatureType, FeatureValue } from './model-spec.ts';
import { combineHashes, murmur3, murmur3OfBytes } from './murmur3.ts';
import { murmur3OfInteger } from './murmur3-integer.ts';

/**
 * A row with its names hashed: all that encoding it for a table of any size needs. Slots are the features in the order of the
 * spec, then the crosses.
 */
export interface HashedRow {
  /** Hash of each slot, before it is cut to a table's size. That of an absent slot means nothing. */
  readonly hashes: Int32Array;
  /** Whether each slot has a value: a numeric one as well, whatever number it is. */
  readonly present: Uint8Array;
  /** Values of the numeric features in their slots, as they came; 0 elsewhere and where there is none. */
  readonly numbers: Float64Array;
}

/** Places of the types among a hasher's kinds. */
export const KIND: Readonly<Record<FeatureType, number>> = { categorical: 0, numeric: 1, boolean: 2 };

/** What a hasher hashes with: seeds and hashes by feature, seeds by cross, and the crosses' parts as columns in one list. */
export interface HashTables {
  readonly seeds: Int32Array;
  readonly trueHashes: Int32Array;
  readonly falseHashes: Int32Array;
  readonly crossSeeds: Int32Array;
  readonly parts: Int32Array;
  /** Where the parts of each cross end. */
  readonly partsEnd: Int32Array;
}

/**
 * Fills one hashed row after another (hashing trick, Weinberger et al. 2009): one for all versions of a model, which differ
 * in the size of their tables only. A categorical or boolean value is hashed with its feature's seed, a numeric feature
 * by its name; a cross hashes its parts' hashes in declared order. A hash depends on names and values alone, not on
 * what else is declared. Allocates nothing.
 *
 * Call `clear`, then `set…` for each known value, then `finish`; the row is valid until the next `clear`.
 */
export class RowHasher {
  readonly row: HashedRow;
  /** KIND of each feature. */
  readonly kinds: Uint8Array;
  readonly #featureCount: number;
  readonly #seeds: Int32Array;
  readonly #trueHashes: Int32Array;
  readonly #falseHashes: Int32Array;
  readonly #crossSeeds: Int32Array;
  /** The crosses' parts as columns, one list after the other, and where each ends. */
  readonly #parts: Int32Array;
  readonly #partsEnd: Int32Array;
  readonly #hashes: Int32Array;
  readonly #present: Uint8Array;
  readonly #numbers: Float64Array;

  /** @throws RangeError when a cross names an unknown or numeric feature */
  constructor(features: readonly FeatureSpec[], crosses: readonly (readonly string[])[]) {
    const slots = features.length + crosses.length;
    this.#featureCount = features.length;
    this.kinds = Uint8Array.from(features, (feature) => KIND[feature.type]);
    this.#seeds = Int32Array.from(features, (feature) => murmur3(feature.name, 0));
    this.#trueHashes = this.#seeds.map((seed) => murmur3('true', seed));
    this.#falseHashes = this.#seeds.map((seed) => murmur3('false', seed));
    this.#crossSeeds = Int32Array.from(crosses, (names) => murmur3(names.join('*'), 1));
    ({ parts: this.#parts, partsEnd: this.#partsEnd } = crossParts(features, crosses));
    this.#hashes = new Int32Array(slots);
    this.#present = new Uint8Array(slots);
    this.#numbers = new Float64Array(slots);
    this.row = { hashes: this.#hashes, present: this.#present, numbers: this.#numbers };
  }

  /** What it hashes with, for who hashes elsewhere. */
  get tables(): HashTables {
    return {
      seeds: this.#seeds,
      trueHashes: this.#trueHashes,
      falseHashes: this.#falseHashes,
      crossSeeds: this.#crossSeeds,
      parts: this.#parts,
      partsEnd: this.#partsEnd,
    };
  }

  /** Begins a row without any value. */
  clear(): void {
    const present = this.#present;
    for (let k = 0; k < present.length; k++) present[k] = 0;
  }

  /** Sets a categorical feature to the string whose UTF-8 is these bytes. */
  setBytes(column: number, bytes: Uint8Array, from: number, to: number): void {
    this.#hashes[column] = murmur3OfBytes(bytes, this.#seeds[column] ?? 0, from, to);
    this.#present[column] = 1;
  }

  /** Sets a categorical feature to a safe integer: the same as the string of its digits. */
  setInteger(column: number, integer: number): void {
    this.#hashes[column] = murmur3OfInteger(integer, this.#seeds[column] ?? 0);
    this.#present[column] = 1;
  }

  /** Sets a numeric feature to any number. */
  setNumber(column: number, value: number): void {
    this.#hashes[column] = this.#seeds[column] ?? 0;
    this.#numbers[column] = value;
    this.#present[column] = 1;
  }

  /** Sets a boolean feature. */
  setBoolean(column: number, value: boolean): void {
    this.#hashes[column] = (value ? this.#trueHashes[column] : this.#falseHashes[column]) ?? 0;
    this.#present[column] = 1;
  }

  /** Hashes the crosses whose parts are all there, and ends the row. */
  finish(): void {
    const hashes = this.#hashes;
    const present = this.#present;
    const parts = this.#parts;
    const crossSeeds = this.#crossSeeds;
    let part = 0;
    for (let c = 0; c < crossSeeds.length; c++) {
      const end = this.#partsEnd[c] ?? 0;
      let hash = crossSeeds[c] ?? 0;
      let isThere = 1;
      for (; part < end; part++) {
        const k = parts[part] ?? 0;
        hash = combineHashes(hash, hashes[k] ?? 0);
        isThere &= present[k] ?? 0;
      }
      hashes[this.#featureCount + c] = hash;
      present[this.#featureCount + c] = isThere;
    }
  }

  /** Fills the row from values in the order of the spec; missing ones and those of another type are left out. */
  setRow(values: readonly (FeatureValue | undefined)[]): void {
    this.clear();
    for (let k = 0; k < this.#featureCount; k++) this.#setValue(k, values[k]);
    this.finish();
  }

  #setValue(column: number, value: FeatureValue | undefined): void {
    const kind = this.kinds[column];
    if (typeof value === 'number') {
      if (kind === KIND.numeric) this.setNumber(column, value);
      else if (kind === KIND.categorical && Number.isSafeInteger(value)) this.setInteger(column, value);
    } else if (typeof value === 'string') {
      if (kind !== KIND.categorical) return;
      this.#hashes[column] = murmur3(value, this.#seeds[column] ?? 0);
      this.#present[column] = 1;
    } else if (typeof value === 'boolean' && kind === KIND.boolean) this.setBoolean(column, value);
  }
}

function crossParts(
  features: readonly FeatureSpec[],
  crosses: readonly (readonly string[])[],
): { parts: Int32Array; partsEnd: Int32Array } {
  const parts: number[] = [];
  const partsEnd = crosses.map((names) => {
    for (const name of names) {
      const column = features.findIndex((feature) => feature.name === name);
      if (column < 0 || features[column]?.type === 'numeric') {
        throw new RangeError(`cross ${names.join('*')}: ${name}, allowed a categorical or boolean feature`);
      }
      parts.push(column);
    }
    return parts.length;
  });
  return { parts: Int32Array.from(parts), partsEnd: Int32Array.from(partsEnd) };
}
