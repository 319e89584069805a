import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';

/** Returns a row hashed by a hasher of its own. */
export function hashedRow(
  features: readonly FeatureSpec[],
  values: readonly (FeatureValue | undefined)[],
): HashedRow {
  const hasher = new RowHasher(features, []);
  hasher.setRow(values);
  return hasher.row;
}
