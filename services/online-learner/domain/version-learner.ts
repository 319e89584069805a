import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureEncoder, Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureValue, LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { bytesOf, pagedSection, restoreBytes, wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { FtrlLogistic } from './ftrl-logistic.ts';
import { LeverageFence } from './leverage-fence.ts';
import { NumericScaler } from './numeric-scaler.ts';
import { ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import { FENCE_COUNT_MIN, FENCE_DEFAULT_SD, screenRow, screenTarget } from './screening.ts';
import type { Fence } from './screening.ts';
import { TOUCHED_FLAG } from './touched-coordinates.ts';
import type { VersionIdentity } from './version-identity.ts';

/** The part of a model's spec that decides how rows are read. */
export type RowSpec = Pick<ModelSpec, 'features' | 'crosses'>;

/** What happened to one example. */
export interface StepOutcome {
  /** Probability of label 1 before the example was learned; always a number in [0, 1]. */
  readonly score: number;
  /** Why the example was not learned, or undefined when it was. */
  readonly screened: string | undefined;
  /** What a screened example was past; without meaning when it was learned. */
  readonly fence: Fence;
}

/** What a version learns at present, and where its fences stand. */
export interface FenceView {
  /** The largest leverage that is learned; null before the fence holds. */
  readonly leverageMax: number | null;
  /** Lowest and highest value of each numeric feature that is learned; null before its fence holds. */
  readonly values: Readonly<Record<string, readonly [number, number] | null>>;
}

/** What a snapshot publishes; live, so copy it before anything else runs. */
export interface Parameters extends Scaling {
  readonly weights: Float32Array<ArrayBuffer>;
}

const LEARNED = 0;
const SCREENED = 1;

/** One version of a model: encoder, scalers, learner, progressive metrics and counters, with one owner. */
export class VersionLearner {
  readonly identity: VersionIdentity;
  readonly encoder: FeatureEncoder;
  readonly metrics = new ProgressiveMetrics();
  readonly #spec: RowSpec;
  readonly #hasher: RowHasher;
  readonly #scaler: NumericScaler;
  readonly #ftrl: FtrlLogistic;
  readonly #counters = new Float64Array(2);
  readonly #indices: Int32Array;
  readonly #values: Float32Array;
  readonly #leverage = new LeverageFence();
  readonly #outcome: { score: number; screened: string | undefined; fence: Fence } = {
    score: 0,
    screened: undefined,
    fence: 'target',
  };

  private constructor(spec: RowSpec, identity: VersionIdentity, parent?: FtrlLogistic) {
    this.identity = identity;
    this.#spec = spec;
    this.#hasher = new RowHasher(spec.features, spec.crosses);
    this.encoder = createFeatureEncoder(spec.features, spec.crosses, identity.config.tableBits);
    this.#scaler = new NumericScaler(spec.features);
    this.#ftrl = parent ?? new FtrlLogistic(identity.config, this.encoder.width);
    this.#indices = new Int32Array(this.encoder.width);
    this.#values = new Float32Array(this.encoder.width);
  }

  /** Returns a version that knows nothing. */
  static cold(spec: RowSpec, version: number, config: LearnerConfig, position: number): VersionLearner {
    return new VersionLearner(spec, { version, config, born: { position, mode: 'cold' } });
  }

  /** Returns the version whose sections had these bytes; throws RangeError when a size differs. */
  static restore(
    spec: RowSpec,
    identity: VersionIdentity,
    readSection: (name: string) => Uint8Array,
  ): VersionLearner {
    const learner = new VersionLearner(spec, identity);
    const prefix = `v${String(identity.version)}`;
    for (const name of ['w', 'z', 'n'] as const) {
      restoreBytes(learner.#ftrl[name], readSection(`${prefix}/${name}`), `${prefix}/${name}`);
    }
    learner.#scaler.restore(readSection(`${prefix}/scaler`), `${prefix}/scaler`);
    learner.metrics.restore(readSection(`${prefix}/metrics`), `${prefix}/metrics`);
    restoreBytes(learner.#counters, readSection(`${prefix}/counters`), `${prefix}/counters`);
    learner.#leverage.restore(readSection(`${prefix}/fence`), `${prefix}/fence`);
    learner.#ftrl.touched.markPagesClean();
    return learner;
  }

  /**
   * Returns a new version that predicts exactly as this one does and then learns by itself: parameters, optimiser state,
   * scalers, fences and `examplesLearned` are carried over, metrics and the count of screened examples begin at zero.
   *
   * @throws RangeError when tableBits differs
   */
  fork(version: number, config: LearnerConfig, position: number): VersionLearner {
    const born = { position, mode: 'copy', parent: this.identity.version } as const;
    const copy = new VersionLearner(this.#spec, { version, config, born }, this.#ftrl.fork(config));
    copy.#scaler.restore(this.#scaler.bytes(), 'scaler');
    copy.#leverage.restore(this.#leverage.bytes(), 'fence');
    copy.#counters[LEARNED] = this.examplesLearned;
    return copy;
  }

  /** Examples learned, those of the versions copied from included. */
  get examplesLearned(): number {
    return this.#counters[LEARNED] ?? 0;
  }

  /** Examples that were not learned because they were past a limit. */
  get screened(): number {
    return this.#counters[SCREENED] ?? 0;
  }

  /** Returns the probability of label 1; changes nothing. */
  predict(row: readonly (FeatureValue | undefined)[]): number {
    this.#hasher.setRow(row);
    return this.#predictHashed(this.#hasher.row);
  }

  /**
   * Scores the row with what was known before it, then learns it: metrics, scalers and weights together, or none of them
   * when the example is screened. Makes no objects on the usual path, only V8’s boxes for a few floats; the outcome is reused
   * by the next call.
   */
  step(row: readonly (FeatureValue | undefined)[], label: number, weight: number): StepOutcome {
    this.#hasher.setRow(row);
    return this.stepHashed(this.#hasher.row, label, weight);
  }

  /** As `step`, of a row that is hashed already. */
  stepHashed(row: HashedRow, label: number, weight: number): StepOutcome {
    const score = this.#predictHashed(row);
    const squaredNorm = this.#squaredNorm();
    const reason =
      this.#past('target', screenTarget(label, weight)) ??
      this.#past('value', screenRow(row, this.#spec.features, this.#scaler, FENCE_DEFAULT_SD)) ??
      this.#past('leverage', this.#leverage.screen(weight, squaredNorm)) ??
      this.#past('update', this.#learnWeights(score, label, weight));
    this.#outcome.score = score;
    this.#outcome.screened = reason;
    if (reason === undefined) {
      this.metrics.record(score, label, weight);
      this.#scaler.learn(row);
      this.#leverage.learn(weight, squaredNorm);
      this.#counters[LEARNED] = this.examplesLearned + 1;
    } else {
      this.#counters[SCREENED] = this.screened + 1;
    }
    return this.#outcome;
  }

  /** Returns where the fences of this version stand: what it learns at present. */
  fences(): FenceView {
    const { columns, scaling } = this.#scaler;
    const values = Array.from(columns, (column, j): [string, [number, number] | null] => {
      const name = this.#spec.features[column]?.name ?? '';
      const [mean = 0, invStd = 0] = [scaling.means[j], scaling.invStds[j]];
      if (this.#scaler.countOf(j) < FENCE_COUNT_MIN || invStd === 0) return [name, null];
      return [name, [mean - FENCE_DEFAULT_SD / invStd, mean + FENCE_DEFAULT_SD / invStd]];
    });
    const { limit } = this.#leverage;
    return { leverageMax: limit === Infinity ? null : limit, values: Object.fromEntries(values) };
  }

  /** Returns what predictions are made from, live. */
  parameters(): Parameters {
    const { means, invStds } = this.#scaler.scaling;
    return { weights: this.#ftrl.w, means, invStds };
  }

  /** How many weights were touched since `resetTouched`. */
  get touchedCount(): number {
    return this.#ftrl.touched.count;
  }

  /** Returns the indices of all weights touched since `resetTouched` (or birth, or restore), ascending; they stay listed. */
  takeTouched(): Int32Array<ArrayBuffer> {
    return this.#ftrl.touched.list();
  }

  /** Begins a new list: call it when the weights as they are now become a named full snapshot. */
  resetTouched(): void {
    this.#ftrl.touched.reset();
  }

  /** Returns the whole state but the identity, in canonical order. */
  sections(): readonly StateSection[] {
    const prefix = `v${String(this.identity.version)}`;
    const arrays = (['w', 'z', 'n'] as const).map((name) =>
      pagedSection({
        name: `${prefix}/${name}`,
        bytes: () => bytesOf(this.#ftrl[name]),
        pageFlags: () => this.#ftrl.touched.pageFlags,
        flag: TOUCHED_FLAG[name],
      }),
    );
    return [
      ...arrays,
      wholeSection(`${prefix}/scaler`, () => this.#scaler.bytes()),
      wholeSection(`${prefix}/metrics`, () => this.metrics.bytes()),
      wholeSection(`${prefix}/counters`, () => bytesOf(this.#counters)),
      wholeSection(`${prefix}/fence`, () => this.#leverage.bytes()),
    ];
  }

  #predictHashed(row: HashedRow): number {
    this.encoder.encodeHashed(row, this.#scaler.scaling, this.#indices, this.#values, 0);
    return this.#ftrl.predict(this.#indices, this.#values, 0);
  }

  #past(fence: Fence, reason: string | undefined): string | undefined {
    if (reason !== undefined) this.#outcome.fence = fence;
    return reason;
  }

  /** Squared Euclidean norm of the encoded row. */
  #squaredNorm(): number {
    const values = this.#values;
    let sum = 0;
    for (let k = 0; k < values.length; k++) sum += (values[k] ?? 0) * (values[k] ?? 0);
    return sum;
  }

  #learnWeights(score: number, label: number, weight: number): string | undefined {
    const slot = this.#ftrl.learn(this.#indices, this.#values, 0, (score - label) * weight);
    if (slot < 0) return undefined;
    const value = `value ${String(this.#values[slot])} and event weight ${String(weight)}`;
    return `feature ${this.encoder.slotNames[slot] ?? ''}: ${value} make the update non-finite, allowed finite`;
  }
}
