import { screenTarget } from '../../../services/online-learner/domain/screening.ts';
import type { Fence } from '../../../services/online-learner/domain/screening.ts';
import type { RowSpec } from '../../../services/online-learner/domain/version-learner.ts';
import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import { METRICS_SUMS, ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { FtrlLogistic } from './ftrl-logistic.ts';
import { LeverageFence } from './leverage-fence.ts';
import { NumericScaler } from './numeric-scaler.ts';
import { columnPastFence } from './screening.ts';

/**
 * A version of a model in plain TypeScript, part by part: what `VersionLearner`, whose step is compiled, has to be equal to,
 * bit for bit, but for the logarithms in its metrics.
 */
export class ReferenceLearner {
  readonly ftrl: FtrlLogistic;
  readonly scaler: NumericScaler;
  readonly fence = new LeverageFence();
  readonly metricSums = new Float64Array(METRICS_SUMS);
  learned = 0;
  screened = 0;
  readonly #metrics = new ProgressiveMetrics(this.metricSums);
  readonly #encoder: FeatureEncoder;
  readonly #indices: Int32Array;
  readonly #values: Float32Array;

  constructor({ features, crosses }: RowSpec, config: FtrlLogisticConfig, exp: (x: number) => number) {
    this.#encoder = createFeatureEncoder(features, crosses, config.tableBits);
    this.#indices = new Int32Array(this.#encoder.width);
    this.#values = new Float32Array(this.#encoder.width);
    this.ftrl = new FtrlLogistic(config, exp);
    this.scaler = new NumericScaler(features);
  }

  /** Scores and learns a row; returns the score before, and the fence it was past. */
  step(row: HashedRow, label: number, weight: number): { score: number; past: Fence | undefined } {
    this.#encoder.encodeHashed(row, this.scaler.scaling, this.#indices, this.#values, 0);
    const score = this.ftrl.predict(this.#indices, this.#values);
    const squaredNorm = this.#values.reduce((sum, value) => sum + value * value, 0);
    const past = this.#past(row, { score, label, weight, squaredNorm });
    if (past === undefined) {
      this.#metrics.record(score, label, weight);
      this.scaler.learn(row);
      this.fence.learn(weight, squaredNorm);
      this.learned += 1;
    } else this.screened += 1;
    return { score, past };
  }

  #past(
    row: HashedRow,
    example: { score: number; label: number; weight: number; squaredNorm: number },
  ): Fence | undefined {
    const { score, label, weight, squaredNorm } = example;
    if (screenTarget(label, weight) !== undefined) return 'target';
    if (columnPastFence(row, this.scaler) >= 0) return 'value';
    if (this.fence.isPast(weight, squaredNorm)) return 'leverage';
    if (this.ftrl.learn(this.#indices, this.#values, (score - label) * weight) >= 0) return 'update';
    return undefined;
  }
}
