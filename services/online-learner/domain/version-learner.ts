import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureEncoder, Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { FeatureValue, LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import { bytesOf, pagedSection, restoreBytes, wholeSection } from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { RowHasher } from '../../../shared/domain/row-hasher.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { ProgressiveMetrics } from '../../../shared/domain/progressive-metrics.ts';
import { expressAnew } from './express-anew.ts';
import { leverageLimit } from './leverage-fence.ts';
import {
  FENCE_COUNT_MIN,
  FENCE_SD,
  FENCES,
  leverageReason,
  screenTarget,
  updateReason,
  valueReason,
} from './screening.ts';
import type { Fence } from './screening.ts';
import { STEP_RESULT, StepKernel } from './step-kernel.ts';
import { listBits } from './touched-coordinates.ts';
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
const DIRTY = 1;

/** One version of a model: encoder, scalers, learner, progressive metrics and counters, with one owner. */
export class VersionLearner {
  readonly identity: VersionIdentity;
  readonly encoder: FeatureEncoder;
  readonly metrics: ProgressiveMetrics;
  readonly #spec: RowSpec;
  readonly #hasher: RowHasher;
  readonly #kernel: StepKernel;
  readonly #outcome: { score: number; screened: string | undefined; fence: Fence } = {
    score: 0,
    screened: undefined,
    fence: 'target',
  };

  private constructor(spec: RowSpec, identity: VersionIdentity) {
    this.identity = identity;
    this.#spec = spec;
    this.#hasher = new RowHasher(spec.features, spec.crosses);
    this.encoder = createFeatureEncoder(spec.features, spec.crosses, identity.config.tableBits);
    this.#kernel = new StepKernel(spec.features, spec.crosses.length, identity.config.tableBits);
    this.#kernel.setRates(identity.config);
    // Nothing is stored yet.
    this.#kernel.weightPages.fill(DIRTY);
    this.#kernel.sumPages.fill(DIRTY);
    this.metrics = new ProgressiveMetrics(this.#kernel.metrics);
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
    const kernel = learner.#kernel;
    for (const [name, array] of learner.#arrays()) restoreBytes(array, readSection(name), name);
    kernel.deriveInverses();
    kernel.weightPages.fill(0);
    kernel.sumPages.fill(0);
    return learner;
  }

  /**
   * Returns a new version that predicts exactly as this one does and then learns by itself: parameters, optimiser state,
   * scalers, fences and `examplesLearned` are carried over, metrics and the count of screened examples begin at zero.
   *
   * @throws RangeError when tableBits differs
   */
  fork(version: number, config: LearnerConfig, position: number): VersionLearner {
    const { version: parent, config: from } = this.identity;
    if (config.tableBits !== from.tableBits) {
      const bits = `${String(config.tableBits)}, allowed ${String(from.tableBits)}`;
      throw new RangeError(`copying a learner: tableBits ${bits} (its parent's)`);
    }
    const copy = new VersionLearner(this.#spec, {
      version,
      config,
      born: { position, mode: 'copy', parent },
    });
    for (const name of ['weights', 'sums', 'scaler', 'fence'] as const) {
      copy.#kernel[name].set(this.#kernel[name]);
    }
    copy.#kernel.deriveInverses();
    copy.#kernel.counters[LEARNED] = this.examplesLearned;
    expressAnew(copy.#kernel.weights, copy.#kernel.sums, from, config);
    return copy;
  }

  /** Examples learned, those of the versions copied from included. */
  get examplesLearned(): number {
    return this.#kernel.counters[LEARNED] ?? 0;
  }

  /** Examples that were not learned because they were past a limit. */
  get screened(): number {
    return this.#kernel.counters[SCREENED] ?? 0;
  }

  /** Returns the probability of label 1; changes nothing. */
  predict(row: readonly (FeatureValue | undefined)[]): number {
    this.#hasher.setRow(row);
    this.#kernel.writeRow(this.#hasher.row, 0, 0);
    return this.#kernel.predict();
  }

  /**
   * Scores the row with what was known before it, then learns it: metrics, scalers and weights together, or none of them
   * when the example is screened. The outcome is reused by the next call.
   */
  step(row: readonly (FeatureValue | undefined)[], label: number, weight: number): StepOutcome {
    this.#hasher.setRow(row);
    return this.stepHashed(this.#hasher.row, label, weight);
  }

  /** As `step`, of a row that is hashed already. */
  stepHashed(row: HashedRow, label: number, weight: number): StepOutcome {
    this.#kernel.writeRow(row, label, weight);
    this.#kernel.step(1);
    return this.outcomeOf(0);
  }

  /**
   * As `step`, of rows that are hashed already, in order, label and weight with them (`EventReader.block`). Returns how many were
   * learned.
   */
  stepRows(rows: Uint8Array, count: number): number {
    this.#kernel.rows.set(rows);
    return this.#kernel.step(count);
  }

  /** How many rows of the last `stepRows` it was done with, when it threw. */
  get rowsStepped(): number {
    return this.#kernel.rowsStepped;
  }

  /** Returns the score of a row of the last step. */
  scoreOf(row: number): number {
    return this.#kernel.scoreOf(row);
  }

  /** Returns the label of a row of the last step. */
  labelOf(row: number): number {
    return this.#kernel.labelOf(row);
  }

  /** Returns what became of a row of the last step; reused by the next call. */
  outcomeOf(row: number): StepOutcome {
    const kernel = this.#kernel;
    const outcome = this.#outcome;
    const result = kernel.resultOf(row);
    outcome.score = kernel.scoreOf(row);
    outcome.screened = result === STEP_RESULT.learned ? undefined : this.#reasonOf(row, result);
    if (result !== STEP_RESULT.learned) outcome.fence = FENCES[result - 1] ?? 'target';
    return outcome;
  }

  /** Returns where the fences of this version stand: what it learns at present. */
  fences(): FenceView {
    const { counts, means, invStds } = this.#kernel;
    const numeric = this.#spec.features.filter(({ type }) => type === 'numeric');
    const values = numeric.map(({ name }, j): [string, [number, number] | null] => {
      const [mean = 0, invStd = 0] = [means[j], invStds[j]];
      if ((counts[j] ?? 0) < FENCE_COUNT_MIN || invStd === 0) return [name, null];
      return [name, [mean - FENCE_SD / invStd, mean + FENCE_SD / invStd]];
    });
    const limit = leverageLimit(this.#kernel.fence);
    return { leverageMax: limit === Infinity ? null : limit, values: Object.fromEntries(values) };
  }

  /** Returns what predictions are made from, live. */
  parameters(): Parameters {
    const { weights, means, invStds } = this.#kernel;
    return { weights, means, invStds };
  }

  /** Returns the indices of all weights touched since `resetTouched` (or birth, or restore), ascending; they stay listed. */
  takeTouched(): Uint32Array<ArrayBuffer> {
    return listBits(this.#kernel.touchedBits, this.#kernel.touchedCount);
  }

  /** Begins a new list: call it when the weights as they are now become a snapshot that others name. */
  resetTouched(): void {
    this.#kernel.forgetTouched();
  }

  /** Returns the whole state but the identity, in canonical order. */
  sections(): readonly StateSection[] {
    const kernel = this.#kernel;
    const pages = [kernel.weightPages, kernel.sumPages];
    return this.#arrays().map(([name, array], place) => {
      const pageFlags = pages[place];
      if (pageFlags === undefined) return wholeSection(name, () => bytesOf(array));
      return pagedSection({ name, bytes: () => bytesOf(array), pageFlags: () => pageFlags, flag: DIRTY });
    });
  }

  /** The arrays of which the state consists, by the names of their sections. */
  #arrays(): [name: string, array: Float32Array | Float64Array][] {
    const prefix = `v${String(this.identity.version)}`;
    const { weights, sums, scaler, metrics, counters, fence } = this.#kernel;
    return [
      [`${prefix}/w`, weights],
      [`${prefix}/zn`, sums],
      [`${prefix}/scaler`, scaler],
      [`${prefix}/metrics`, metrics],
      [`${prefix}/counters`, counters],
      [`${prefix}/fence`, fence],
    ];
  }

  #reasonOf(row: number, result: number): string {
    const kernel = this.#kernel;
    const weight = kernel.weightOf(row);
    const detail = kernel.detailOf(row);
    const slot = kernel.slotOf(row);
    const name = this.encoder.slotNames[slot] ?? '';
    if (result === STEP_RESULT.value) return valueReason(name, kernel.numberOf(row, slot), detail);
    if (result === STEP_RESULT.leverage) return leverageReason(weight, kernel.leverageOf(row), detail);
    if (result === STEP_RESULT.update) return updateReason(name, detail, weight);
    return screenTarget(kernel.labelOf(row), weight) ?? '';
  }
}
