import type { Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureSpec } from '../../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';

/** Below this sum of squares values do not differ: a count of up to 2^53 divided by it would not be finite. */
const SQUARES_MIN = 1e-290;

/** Running mean and deviation of every numeric feature (Welford 1962), in float64, as the kernel keeps them. */
export class NumericScaler {
  /** Column in the row of each numeric feature, in order of declaration. */
  readonly columns: Int32Array;
  readonly scaling: Scaling;
  readonly counts: Float64Array;
  readonly means: Float64Array;
  readonly squares: Float64Array;
  readonly invStds: Float64Array;

  constructor(features: readonly FeatureSpec[]) {
    this.columns = Int32Array.from(
      features.flatMap((feature, column) => (feature.type === 'numeric' ? [column] : [])),
    );
    const size = this.columns.length;
    this.counts = new Float64Array(size);
    this.means = new Float64Array(size);
    this.squares = new Float64Array(size);
    this.invStds = new Float64Array(size);
    this.scaling = { means: this.means, invStds: this.invStds };
  }

  /** Learns the numeric values of one row. Values count once each, whatever the event's weight. */
  learn({ present, numbers }: HashedRow): void {
    this.columns.forEach((column, j) => {
      if (present[column] !== 1) return;
      const value = numbers[column] ?? 0;
      const count = (this.counts[j] ?? 0) + 1;
      const delta = value - (this.means[j] ?? 0);
      const mean = (this.means[j] ?? 0) + delta / count;
      const squares = (this.squares[j] ?? 0) + delta * (value - mean);
      this.counts[j] = count;
      this.means[j] = mean;
      this.squares[j] = squares;
      this.invStds[j] = count > 1 && squares >= SQUARES_MIN ? Math.sqrt(count / squares) : 0;
    });
  }
}
