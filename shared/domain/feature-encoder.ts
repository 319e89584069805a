import type { FeatureSpec, FeatureValue } from './model-spec.ts';
import { KIND, RowHasher } from './row-hasher.ts';
import type { HashedRow } from './row-hasher.ts';

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
  /** As `encode`, of a row that is hashed already. */
  encodeHashed(row: HashedRow, scaling: Scaling, indices: Int32Array, values: Float32Array, at: number): void;
}

/**
 * Returns the encoder of a model's features: slots as `RowHasher` hashes them, cut to the table's size; a categorical or
 * boolean value and a cross have value 1, a numeric feature its standardised value.
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
  const slots = featureCount + crosses.length;
  const width = slots + 1;
  const hasher = new RowHasher(features, crosses);
  /** Place among the numeric features of each slot; -1 for the others. */
  const numericOf = new Int32Array(slots).fill(-1);
  let numerics = 0;
  features.forEach(({ type }, column) => {
    if (KIND[type] === KIND.numeric) numericOf[column] = numerics++;
  });

  function encodeHashed(
    { hashes, present, numbers }: HashedRow,
    { means, invStds }: Scaling,
    indices: Int32Array,
    values: Float32Array,
    at: number,
  ): void {
    for (let k = 0; k < slots; k++) {
      let encoded = 0;
      if (present[k] === 1) {
        const numeric = numericOf[k] ?? -1;
        encoded = numeric < 0 ? 1 : standardise(numbers[k] ?? 0, means[numeric] ?? 0, invStds[numeric] ?? 0);
      }
      indices[at + k] = encoded === 0 ? biasIndex : (hashes[k] ?? 0) & mask;
      values[at + k] = encoded;
    }
    indices[at + slots] = biasIndex;
    values[at + slots] = 1;
  }

  return {
    width,
    biasIndex,
    slotNames: [
      ...features.map((feature) => feature.name),
      ...crosses.map((names) => names.join('*')),
      'bias',
    ],
    encodeHashed,
    encode(row, scaling, indices, values, at) {
      hasher.setRow(row);
      encodeHashed(hasher.row, scaling, indices, values, at);
    },
  };
}

function standardise(value: number, mean: number, invStd: number): number {
  if (invStd === 0) return 0;
  const standardised = (value - mean) * invStd;
  if (standardised > STANDARDISED_MAX) return Number.isFinite(value) ? STANDARDISED_MAX : 0;
  if (standardised < -STANDARDISED_MAX) return Number.isFinite(value) ? -STANDARDISED_MAX : 0;
  return Number.isNaN(standardised) ? 0 : standardised;
}
