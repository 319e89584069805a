import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

/** Rows kept for the parity check of readers. */
const GOLDEN_ROWS = 8;

/**
 * The rows a reader of snapshots must score like the learner before it serves: the most recent ones and one with every
 * feature missing. They are a check, not state: a restarted learner begins with the empty row alone.
 */
export class GoldenRows {
  readonly #rows: FeatureValue[][] = [];
  readonly #empty: readonly FeatureValue[];
  #next = 0;

  constructor(featureCount: number) {
    this.#empty = Array.from({ length: featureCount }, () => null);
  }

  /** Remembers a copy of a row in place of the oldest. */
  add(row: readonly (FeatureValue | undefined)[]): void {
    this.#rows[this.#next] = row.map((value) => value ?? null);
    this.#next = (this.#next + 1) % GOLDEN_ROWS;
  }

  /** Returns the rows, the empty one first. */
  rows(): readonly (readonly FeatureValue[])[] {
    return [this.#empty, ...this.#rows];
  }
}
