import type { FeatureSpec, FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import type { HashedRow } from '../../../shared/domain/row-hasher.ts';
import { METRICS_SUMS, RECENT_DECAY } from '../../../shared/domain/progressive-metrics.ts';
import { startKernel } from './kernel-module.ts';
import type { KernelNumber } from './kernel-module.ts';
import { FENCE_SMOOTHING } from './leverage-fence.ts';

/** The most rows of one call. */
export const KERNEL_ROWS_MAX = 256;

/** What became of a row, by number. */
export const STEP_RESULT = { learned: 0, target: 1, value: 2, leverage: 3, update: 4 } as const;

const OUT_BYTES = 32;
const LABEL_AT = 0;
const WEIGHT_AT = 8;
const NUMBERS_AT = 16;

/** What the compiled module exports; addresses are bytes in its memory, set by `configure`. */
interface KernelExports {
  readonly memory: WebAssembly.Memory;
  configure(slots: number, numerics: number, tableBits: number, recentDecay: number, smoothing: number): void;
  setRates(alpha: number, beta: number, l1: number, l2: number): void;
  deriveInverses(): void;
  predict(): number;
  exp(x: number): number;
  step(rows: number): number;
  touchedCount(): number;
  forgetTouched(): void;
  readonly stepped: KernelNumber;
  readonly rows: KernelNumber;
  readonly rowBytes: KernelNumber;
  readonly hashesAt: KernelNumber;
  readonly presentAt: KernelNumber;
  readonly numericOf: KernelNumber;
  readonly slotOf: KernelNumber;
  readonly outs: KernelNumber;
  readonly counts: KernelNumber;
  readonly means: KernelNumber;
  readonly inverses: KernelNumber;
  readonly metrics: KernelNumber;
  readonly fence: KernelNumber;
  readonly counters: KernelNumber;
  readonly weights: KernelNumber;
  readonly sums: KernelNumber;
  readonly touchedBits: KernelNumber;
  readonly weightPages: KernelNumber;
  readonly sumPages: KernelNumber;
}

/**
 * The state of one version and the compiled step that changes it (`../kernel`): encodes hashed rows, scores, screens and learns
 * them, predict-then-learn. The arrays are live views of its memory and stay valid, because the memory never grows again.
 *
 * FTRL-proximal per coordinate (McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013, Algorithm 1).
 * Differences: w is kept and renewed at each touched coordinate instead of being derived at each prediction; state is float32
 * (arithmetic float64), so n stops growing near 2^24 times its usual increment, which leaves a learning rate above 0 for ever;
 * the bias (the last coordinate) is not L1-regularised; an index that occurs more than once in a row is one coordinate with
 * the sum of the values. A row is learned all or nothing.
 */
export class StepKernel {
  /** Weights, 2^tableBits + 1, the last one the bias: what a snapshot publishes. */
  readonly weights: Float32Array<ArrayBuffer>;
  /** Of each coordinate z (adjusted gradient sum) and n (sum of squared gradients), 2 · (2^tableBits + 1). */
  readonly sums: Float32Array<ArrayBuffer>;
  /** Counts, means and sums of squared deviations of the numeric features, one list after the other. */
  readonly scaler: Float64Array<ArrayBuffer>;
  readonly counts: Float64Array<ArrayBuffer>;
  readonly means: Float64Array<ArrayBuffer>;
  /** 1 / standard deviation of the numeric features; 0 for one that has been constant until now. Derived. */
  readonly invStds: Float64Array<ArrayBuffer>;
  /** Sums of the progressive metrics. */
  readonly metrics: Float64Array<ArrayBuffer>;
  /** Mean square of the leverage, and examples. */
  readonly fence: Float64Array<ArrayBuffer>;
  /** Examples learned, examples screened. */
  readonly counters: Float64Array<ArrayBuffer>;
  /** A bit a coordinate: touched since `forgetTouched`. */
  readonly touchedBits: Int32Array<ArrayBuffer>;
  /** A byte a page (16 KiB) of `weights`, and one a page of `sums`: 1 when it changed. */
  readonly weightPages: Uint8Array<ArrayBuffer>;
  readonly sumPages: Uint8Array<ArrayBuffer>;
  /** Bytes of a row. */
  readonly rowBytes: number;
  /** Room for KERNEL_ROWS_MAX rows. */
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly #exports: KernelExports;
  readonly #numericColumns: Int32Array;
  readonly #numbers: Float64Array<ArrayBuffer>;
  readonly #hashes: Int32Array<ArrayBuffer>;
  readonly #present: Uint8Array<ArrayBuffer>;
  readonly #outs: Float64Array<ArrayBuffer>;
  readonly #outInts: Int32Array<ArrayBuffer>;

  constructor(features: readonly FeatureSpec[], crossCount: number, tableBits: number) {
    const exports = startKernel('step') as unknown as KernelExports;
    this.#exports = exports;
    this.#numericColumns = Int32Array.from(
      features.flatMap(({ type }, column) => (type === 'numeric' ? [column] : [])),
    );
    const slots = features.length + crossCount;
    const numerics = this.#numericColumns.length;
    exports.configure(slots, numerics, tableBits, RECENT_DECAY, FENCE_SMOOTHING);

    const { buffer } = exports.memory as { readonly buffer: ArrayBuffer };
    const size = 2 ** tableBits + 1;
    const rowsAt = exports.rows.value;
    this.rowBytes = exports.rowBytes.value;
    this.rows = new Uint8Array(buffer, rowsAt, KERNEL_ROWS_MAX * this.rowBytes);
    this.#numbers = new Float64Array(buffer, rowsAt, this.rows.length / 8);
    this.#hashes = new Int32Array(buffer, rowsAt + exports.hashesAt.value, slots);
    this.#present = new Uint8Array(buffer, rowsAt + exports.presentAt.value, slots);
    const numericOf = new Int32Array(buffer, exports.numericOf.value, slots).fill(-1);
    this.#numericColumns.forEach((column, numeric) => {
      numericOf[column] = numeric;
    });
    new Int32Array(buffer, exports.slotOf.value, numerics).set(this.#numericColumns);
    this.#outs = new Float64Array(buffer, exports.outs.value, (KERNEL_ROWS_MAX * OUT_BYTES) / 8);
    this.#outInts = new Int32Array(buffer, exports.outs.value, (KERNEL_ROWS_MAX * OUT_BYTES) / 4);
    this.weights = new Float32Array(buffer, exports.weights.value, size);
    this.sums = new Float32Array(buffer, exports.sums.value, 2 * size);
    this.scaler = new Float64Array(buffer, exports.counts.value, 3 * numerics);
    this.counts = this.scaler.subarray(0, numerics);
    this.means = new Float64Array(buffer, exports.means.value, numerics);
    this.invStds = new Float64Array(buffer, exports.inverses.value, numerics);
    this.metrics = new Float64Array(buffer, exports.metrics.value, METRICS_SUMS);
    this.fence = new Float64Array(buffer, exports.fence.value, 2);
    this.counters = new Float64Array(buffer, exports.counters.value, 2);
    this.touchedBits = new Int32Array(buffer, exports.touchedBits.value, Math.ceil(size / 32));
    this.weightPages = new Uint8Array(buffer, exports.weightPages.value, Math.ceil(size / 4096));
    this.sumPages = new Uint8Array(buffer, exports.sumPages.value, Math.ceil(size / 2048));
  }

  /** Sets the rates with which rows are learned from here on. */
  setRates({ alpha, beta, l1, l2 }: FtrlLogisticConfig): void {
    this.#exports.setRates(alpha, beta, l1, l2);
  }

  /** Derives `invStds` from the scaler, as after a restore. */
  deriveInverses(): void {
    this.#exports.deriveInverses();
  }

  /** Makes a hashed row the first of `rows`. */
  writeRow({ hashes, present, numbers }: HashedRow, label: number, weight: number): void {
    const columns = this.#numericColumns;
    const into = this.#numbers;
    into[LABEL_AT / 8] = label;
    into[WEIGHT_AT / 8] = weight;
    for (let j = 0; j < columns.length; j++) into[NUMBERS_AT / 8 + j] = numbers[columns[j] ?? 0] ?? 0;
    for (let k = 0; k < hashes.length; k++) {
      this.#hashes[k] = hashes[k] ?? 0;
      this.#present[k] = present[k] ?? 0;
    }
  }

  /** The exponential function that it scores with: the same bits on every machine and version of Node, as all else here. */
  exp(x: number): number {
    return this.#exports.exp(x);
  }

  /** Returns the probability of label 1 for the first row; changes nothing. */
  predict(): number {
    return this.#exports.predict();
  }

  /**
   * Scores and learns the first rows in order and returns how many were learned. What became of each is read by its place.
   */
  step(rows: number): number {
    return this.#exports.step(rows);
  }

  /** How many rows of the last `step` it was done with: all of them, unless it failed. */
  get rowsStepped(): number {
    return this.#exports.stepped.value;
  }

  /** Probability of label 1 before the row was learned. */
  scoreOf(row: number): number {
    return this.#outs[4 * row] ?? 0;
  }

  /** One of STEP_RESULT. */
  resultOf(row: number): number {
    return this.#outInts[8 * row + 6] ?? 0;
  }

  /** Of a row past its `value`, the deviations; past its `leverage`, the limit; past its `update`, the encoded value. */
  detailOf(row: number): number {
    return this.#outs[4 * row + 1] ?? 0;
  }

  /** Of a row past its `leverage`, the leverage. */
  leverageOf(row: number): number {
    return this.#outs[4 * row + 2] ?? 0;
  }

  /** Of a row past its `value` or `update`, the slot. */
  slotOf(row: number): number {
    return this.#outInts[8 * row + 7] ?? 0;
  }

  /** Label and weight of a row, and the value of a numeric feature. */
  labelOf(row: number): number {
    return this.#numbers[(row * this.rowBytes + LABEL_AT) / 8] ?? 0;
  }

  weightOf(row: number): number {
    return this.#numbers[(row * this.rowBytes + WEIGHT_AT) / 8] ?? 0;
  }

  numberOf(row: number, column: number): number {
    const numeric = this.#numericColumns.indexOf(column);
    return this.#numbers[(row * this.rowBytes + NUMBERS_AT) / 8 + numeric] ?? 0;
  }

  /** How many coordinates were touched since `forgetTouched`. */
  get touchedCount(): number {
    return this.#exports.touchedCount();
  }

  /** Empties the list of touched coordinates; changed pages stay. */
  forgetTouched(): void {
    this.#exports.forgetTouched();
  }
}
