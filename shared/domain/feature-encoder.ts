import type { FeatureSpec, FeatureType, FeatureValue } from './model-spec.ts';
import { combineHashes, murmur3 } from './murmur3.ts';
import { murmur3OfInteger } from './murmur3-integer.ts';

/** How numeric values are standardised: one entry a numeric feature, in order of declaration. */
export interface Scaling {
  readonly means: Float64Array;
  /** 1 / standard deviation; 0 as long as it is unknown or the feature has been constant. */
  readonly invStds: Float64Array;
}

/** A standardised value is clamped to ± this many standard deviations, so that no input can make a score NaN. */
export const STANDARDISED_MAX = 100;

/** Turns rows into the (index, value) pairs of a hashed linear model. */
export interface FeatureEncoder {
  /** Pairs a row: features, then crosses, then the bias. */
  readonly width: number;
  /** Index of the bias, 2^tableBits; the parameter vector is one longer. */
  readonly biasIndex: number;
  /** Names of the slots, for messages: the feature's, the cross's joined by `*`, `bias`. */
  readonly slotNames: readonly string[];
  /**
   * Writes `width` pairs at elements `at … at + width - 1`. Total: a missing value, one of the wrong type, a non-finite
   * number, or a cross with such a part becomes (biasIndex, 0). Allocates nothing.
   *
   * @param row values in the order of the spec
   */
  encode(
    row: readonly (FeatureValue | undefined)[],
    scaling: Scaling,
    indices: Int32Array,
    values: Float32Array,
    at: number,
  ): void;
}

const KIND: Readonly<Record<FeatureType, number>> = { categorical: 0, numeric: 1, boolean: 2 };

/**
 * Returns the encoder of a model's features (hashing trick, Weinberger et al. 2009). A categorical or boolean value is
 * hashed with its feature's seed to an index with value 1; a numeric feature has one index, hashed from its name, and its
 * standardised value; a cross hashes its parts' hashes in declared order. An index depends on names and values alone, not
 * on what else is declared.
 *
 * @param tableBits log2 of the hashed part of the parameter vector, 8 … 24
 * @throws RangeError when tableBits is out of range or a cross names an unknown or numeric feature
 */
export function createFeatureEncoder(
  features: readonly FeatureSpec[],
  crosses: readonly (readonly string[])[],
  tableBits: number,
): FeatureEncoder {
  if (!Number.isInteger(tableBits) || tableBits < 8 || tableBits > 24) {
    throw new RangeError(`encoding features: tableBits ${String(tableBits)}, allowed 8 … 24`);
  }
  const featureCount = features.length;
  const biasIndex = 2 ** tableBits;
  const mask = biasIndex - 1;
  const width = featureCount + crosses.length + 1;
  const kinds = Uint8Array.from(features, (feature) => KIND[feature.type]);
  const seeds = Int32Array.from(features, (feature) => murmur3(feature.name, 0));
  const trueHashes = seeds.map((seed) => murmur3('true', seed));
  const falseHashes = seeds.map((seed) => murmur3('false', seed));
  const crossSeeds = Int32Array.from(crosses, (names) => murmur3(names.join('*'), 1));
  const { parts, partsEnd } = crossParts(features, crosses);
  const hashes = new Int32Array(featureCount);

  return {
    width,
    biasIndex,
    slotNames: [
      ...features.map((feature) => feature.name),
      ...crosses.map((names) => names.join('*')),
      'bias',
    ],

    encode(row, scaling, indices, values, at) {
      const { means, invStds } = scaling;
      let numeric = 0;
      for (let k = 0; k < featureCount; k++) {
        const value = row[k];
        const seed = seeds[k] ?? 0;
        const kind = kinds[k];
        let hash = seed;
        let encoded = 0;
        if (kind === 1) {
          encoded = standardise(value, means[numeric] ?? 0, invStds[numeric] ?? 0);
          numeric++;
        } else if (kind === 2) {
          if (typeof value === 'boolean') {
            hash = (value ? trueHashes[k] : falseHashes[k]) ?? 0;
            encoded = 1;
          }
        } else if (typeof value === 'string') {
          hash = murmur3(value, seed);
          encoded = 1;
        } else if (typeof value === 'number' && Number.isSafeInteger(value)) {
          hash = murmur3OfInteger(value, seed);
          encoded = 1;
        }
        hashes[k] = hash;
        indices[at + k] = encoded === 0 ? biasIndex : hash & mask;
        values[at + k] = encoded;
      }

      let part = 0;
      for (let c = 0; c < crossSeeds.length; c++) {
        const slot = at + featureCount + c;
        const end = partsEnd[c] ?? 0;
        let hash = crossSeeds[c] ?? 0;
        let encoded = 1;
        for (; part < end; part++) {
          const k = parts[part] ?? 0;
          hash = combineHashes(hash, hashes[k] ?? 0);
          if (values[at + k] === 0) encoded = 0;
        }
        indices[slot] = encoded === 0 ? biasIndex : hash & mask;
        values[slot] = encoded;
      }
      indices[at + width - 1] = biasIndex;
      values[at + width - 1] = 1;
    },
  };
}

function standardise(value: FeatureValue | undefined, mean: number, invStd: number): number {
  if (typeof value !== 'number' || invStd === 0) return 0;
  const standardised = (value - mean) * invStd;
  if (standardised > STANDARDISED_MAX) return Number.isFinite(value) ? STANDARDISED_MAX : 0;
  if (standardised < -STANDARDISED_MAX) return Number.isFinite(value) ? -STANDARDISED_MAX : 0;
  return Number.isNaN(standardised) ? 0 : standardised;
}

/** The crosses' parts as columns, one list after the other, and where each ends. */
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
