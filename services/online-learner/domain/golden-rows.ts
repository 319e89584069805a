import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

/** Rows kept for the parity check of readers. */
const GOLDEN_ROWS = 8;

/** Of so many learned rows one is kept, once there are eight: a row costs more to copy than to learn. */
const KEPT_OF = 64;

/**
 * The rows a reader of snapshots must score like the learner before it serves: some of the most recent
 * ones and one with every feature missing. They are a check, not state: a restarted learner begins with the empty row alone.
 */
export class GoldenRows {
  readonly #rows: FeatureValue[][] = [];
  readonly #empty: readonly FeatureValue[];
  #next = 0;
  #learned = 0;

  constructor(featureCount: number) {
    this.#empty = Array.from({ length: featureCount }, () => null);
  }

  /** Takes notice of a learned row; remembers a copy of it in place of the oldest when it is its turn. */
  learned(values: () => readonly FeatureValue[]): void {
    this.#learned += 1;
    if (this.#rows.length === GOLDEN_ROWS && this.#learned % KEPT_OF !== 0) return;
    this.#rows[this.#next] = [...values()];
    this.#next = (this.#next + 1) % GOLDEN_ROWS;
  }

  /** Returns the rows, the empty one first. */
  rows(): readonly (readonly FeatureValue[])[] {
    return [this.#empty, ...this.#rows];
  }
}
