import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import type { Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

/**
 * Running mean and deviation of every numeric feature (Welford 1962), in float64. Values count once each, whatever the
 * event's weight. Missing and non-finite values are left out.
 */
export class NumericScaler {
  /** Column in the row of each numeric feature, in order of declaration. */
  readonly columns: Int32Array;
  /** The scaling of what has been learned so far; live. A feature constant until now has invStd 0. */
  readonly scaling: Scaling;
  readonly #state: Float64Array<ArrayBuffer>;
  readonly #counts: Float64Array;
  readonly #means: Float64Array;
  readonly #squares: Float64Array;
  readonly #invStds: Float64Array;

  constructor(features: readonly FeatureSpec[]) {
    this.columns = Int32Array.from(
      features.flatMap((feature, column) => (feature.type === 'numeric' ? [column] : [])),
    );
    const size = this.columns.length;
    this.#state = new Float64Array(3 * size);
    this.#counts = this.#state.subarray(0, size);
    this.#means = this.#state.subarray(size, 2 * size);
    this.#squares = this.#state.subarray(2 * size);
    this.#invStds = new Float64Array(size);
    this.scaling = { means: this.#means, invStds: this.#invStds };
  }

  /** Returns how many values of the numeric feature (by its place among the numeric ones) have been learned. */
  countOf(numeric: number): number {
    return this.#counts[numeric] ?? 0;
  }

  /** Learns the numeric values of one row. */
  learn({ present, numbers }: HashedRow): void {
    for (let j = 0; j < this.columns.length; j++) {
      const column = this.columns[j] ?? 0;
      const value = numbers[column] ?? 0;
      if (present[column] !== 1 || !Number.isFinite(value)) continue;
      const count = (this.#counts[j] ?? 0) + 1;
      const delta = value - (this.#means[j] ?? 0);
      const mean = (this.#means[j] ?? 0) + delta / count;
      const squares = (this.#squares[j] ?? 0) + delta * (value - mean);
      this.#counts[j] = count;
      this.#means[j] = mean;
      this.#squares[j] = squares;
      this.#invStds[j] = inverseDeviation(count, squares);
    }
  }

  /** Returns the state as live little-endian bytes: counts, means, sums of squared deviations, float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
    for (let j = 0; j < this.columns.length; j++) {
      this.#invStds[j] = inverseDeviation(this.#counts[j] ?? 0, this.#squares[j] ?? 0);
    }
  }
}

function inverseDeviation(count: number, squares: number): number {
  return count > 1 && squares > 0 ? 1 / Math.sqrt(squares / count) : 0;
}
