import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import { SlotMerger } from './slot-merger.ts';
import { TouchedCoordinates } from './touched-coordinates.ts';

/** Places of the table that finds repeated coordinates in a row, a power of two: few rows meet one by chance. */
const STAMPS = 4096;
const STAMP_MAX = 0x3fff_ffff;

/**
 * Logistic regression trained by per-coordinate FTRL-proximal (McMahan et al., "Ad Click Prediction: a View from the
 * Trenches", 2013, Algorithm 1). Differences: w is kept and renewed at each touched coordinate instead of being derived at
 * each prediction; state is float32 (arithmetic float64), so n stops growing near 2^24 times its usual increment, which
 * leaves a learning rate above 0 for ever; the bias (the last coordinate) is not L1-regularised; an index that occurs more
 * than once in a row is one coordinate with the sum of the values.
 */
export class FtrlLogistic {
  /** Weights, 2^tableBits + 1, the last one the bias. Live: what a snapshot publishes. */
  readonly w: Float32Array<ArrayBuffer>;
  /** Adjusted gradient sums, z of the paper. */
  readonly z: Float32Array<ArrayBuffer>;
  /** Sums of squared gradients, n of the paper. */
  readonly n: Float32Array<ArrayBuffer>;
  readonly touched: TouchedCoordinates;
  readonly config: FtrlLogisticConfig;
  readonly #width: number;
  // w, z and n one after the other: with one array the compiler checks its kind and bounds once, not three times.
  readonly #state: Float32Array<ArrayBuffer>;
  readonly #before: Float32Array;
  readonly #merger: SlotMerger;
  readonly #stamps = new Int32Array(STAMPS);
  #stamp = 0;

  /** @param width pairs a row */
  constructor(config: FtrlLogisticConfig, width: number) {
    const size = 2 ** config.tableBits + 1;
    this.config = config;
    this.#state = new Float32Array(3 * size);
    this.w = this.#state.subarray(0, size);
    this.z = this.#state.subarray(size, 2 * size);
    this.n = this.#state.subarray(2 * size);
    this.touched = new TouchedCoordinates(size);
    this.#width = width;
    this.#merger = new SlotMerger(width);
    this.#before = new Float32Array(3 * width);
  }

  /**
   * Returns the probability of label 1: 1 / (1 + exp(-Σ w[index] · value)), products and sum in float64 in slot order from
   * float32 weights and values. The ONNX graph does the same in float32.
   */
  predict(indices: Int32Array, values: Float32Array, at: number): number {
    const w = this.w;
    const end = at + this.#width;
    let logit = 0;
    for (let k = at; k < end; k++) logit += (w[indices[k] ?? 0] ?? 0) * (values[k] ?? 0);
    return 1 / (1 + Math.exp(-logit));
  }

  /**
   * Learns one example all or nothing: returns -1 when it was applied, or the slot (0 … width - 1) of the first coordinate
   * that would have become non-finite, with nothing changed. Slots of value 0 are left alone.
   *
   * @param logitGradient gradient of the loss in the logit: (predicted probability - label) · event weight
   */
  learn(indices: Int32Array, values: Float32Array, at: number, logitGradient: number): number {
    if (this.#applyDistinct(indices, values, at, logitGradient)) {
      this.touched.markRow(indices, values, at, this.#width);
      return -1;
    }
    return this.#applyMerged(indices, values, at, logitGradient);
  }

  /**
   * Updates the row's coordinates and returns true, or returns false with nothing changed: when a coordinate occurs twice
   * (or two share a stamp) and when an update would not be finite. Calls nothing while it loops, or the compiler would
   * check every array again at every access.
   */
  #applyDistinct(indices: Int32Array, values: Float32Array, at: number, logitGradient: number): boolean {
    const stamp = this.#nextStamp();
    const { alpha, beta, l1, l2 } = this.config;
    const perAlpha = 1 / alpha;
    const state = this.#state;
    const before = this.#before;
    const stamps = this.#stamps;
    const width = this.#width;
    const zAt = this.w.length;
    const nAt = 2 * zAt;
    const bias = zAt - 1;
    let sum = 0;
    let k = 0;
    for (; k < width; k++) {
      const value = values[at + k] ?? 0;
      if (value === 0) continue;
      const i = indices[at + k] ?? 0;
      const place = i & (STAMPS - 1);
      if (stamps[place] === stamp) break;
      stamps[place] = stamp;
      const w = state[i] ?? 0;
      const z = state[zAt + i] ?? 0;
      const n = state[nAt + i] ?? 0;
      const gradient = logitGradient * value;
      const newN = Math.fround(n + gradient * gradient);
      const root = Math.sqrt(newN);
      const sigma = (root - Math.sqrt(n)) * perAlpha;
      const newZ = Math.fround(z + gradient - sigma * w);
      const newW = weightOf(newZ, i === bias ? 0 : l1, (beta + root) * perAlpha + l2);
      before[3 * k] = w;
      before[3 * k + 1] = z;
      before[3 * k + 2] = n;
      state[i] = newW;
      state[zAt + i] = newZ;
      state[nAt + i] = newN;
      sum += newN + newZ + newW;
    }
    // Finite float32 numbers cannot overflow a float64 sum, so this is finite exactly when all of them are.
    if (k === width && Number.isFinite(sum)) return true;
    this.#undo(indices, values, at, k);
    return false;
  }

  /** Puts back what the first `end` slots of the row had before. */
  #undo(indices: Int32Array, values: Float32Array, at: number, end: number): void {
    for (let k = 0; k < end; k++) {
      if (values[at + k] === 0) continue;
      const i = indices[at + k] ?? 0;
      this.w[i] = this.#before[3 * k] ?? 0;
      this.z[i] = this.#before[3 * k + 1] ?? 0;
      this.n[i] = this.#before[3 * k + 2] ?? 0;
    }
  }

  /** As `learn`, for any row: repeated coordinates are merged first, and nothing is written until all is known to be finite. */
  #applyMerged(indices: Int32Array, values: Float32Array, at: number, logitGradient: number): number {
    const merger = this.#merger;
    const { w, z, n } = this;
    const { alpha, beta, l1, l2 } = this.config;
    const perAlpha = 1 / alpha;
    const bias = w.length - 1;
    const count = merger.merge(indices, values, at);
    const next = new Float32Array(3 * count);

    for (let c = 0; c < count; c++) {
      const i = merger.coordinates[c] ?? 0;
      const gradient = logitGradient * (merger.sums[c] ?? 0);
      const oldN = n[i] ?? 0;
      const newN = Math.fround(oldN + gradient * gradient);
      const root = Math.sqrt(newN);
      const sigma = (root - Math.sqrt(oldN)) * perAlpha;
      const newZ = Math.fround((z[i] ?? 0) + gradient - sigma * (w[i] ?? 0));
      const newW = weightOf(newZ, i === bias ? 0 : l1, (beta + root) * perAlpha + l2);
      if (!Number.isFinite(newN + newZ + newW)) return merger.slots[c] ?? 0;
      next[3 * c] = newW;
      next[3 * c + 1] = newZ;
      next[3 * c + 2] = newN;
    }

    for (let c = 0; c < count; c++) {
      const i = merger.coordinates[c] ?? 0;
      w[i] = next[3 * c] ?? 0;
      z[i] = next[3 * c + 1] ?? 0;
      n[i] = next[3 * c + 2] ?? 0;
      this.touched.mark(i);
    }
    return -1;
  }

  #nextStamp(): number {
    if (this.#stamp === STAMP_MAX) {
      this.#stamps.fill(0);
      this.#stamp = 0;
    }
    return ++this.#stamp;
  }

  /**
   * Returns an independent learner with these weights and sums under another config. Where α, β, L1 or L2 differ, z is
   * expressed anew so that the weights, and so every prediction, stay what they are.
   *
   * @throws RangeError when the kind or tableBits differ
   */
  fork(config: FtrlLogisticConfig): FtrlLogistic {
    if (config.tableBits !== this.config.tableBits) {
      const bits = `${String(config.tableBits)}, allowed ${String(this.config.tableBits)}`;
      throw new RangeError(`copying a learner: tableBits ${bits} (its parent's)`);
    }
    const copy = new FtrlLogistic(config, this.#width);
    copy.w.set(this.w);
    copy.z.set(this.z);
    copy.n.set(this.n);
    if (!hasSameRates(config, this.config)) copy.#expressAnew(this.config.l1);
    return copy;
  }

  #expressAnew(oldL1: number): void {
    const { w, z, n } = this;
    const { alpha, beta, l1, l2 } = this.config;
    const bias = w.length - 1;
    for (let i = 0; i < w.length; i++) {
      const weight = w[i] ?? 0;
      if (weight === 0) {
        // Within ±L1 z says how near the coordinate is to being used; the same share of the new threshold is kept.
        z[i] = i === bias || oldL1 === 0 ? 0 : (z[i] ?? 0) * (l1 / oldL1);
        continue;
      }
      const penalty = i === bias ? 0 : Math.sign(weight) * l1;
      z[i] = -weight * ((beta + Math.sqrt(n[i] ?? 0)) / alpha + l2) - penalty;
    }
  }
}

/** The paper's closed form of w: 0 within the L1 threshold; also 0 where nothing but underflow has been seen. */
function weightOf(z: number, l1: number, denominator: number): number {
  if (denominator === 0 || Math.abs(z) <= l1) return 0;
  // The same number without a branch on the sign of z, which nothing predicts.
  if (l1 === 0) return Math.fround(-z / denominator);
  return Math.fround(((z < 0 ? -l1 : l1) - z) / denominator);
}

function hasSameRates(a: FtrlLogisticConfig, b: FtrlLogisticConfig): boolean {
  return a.alpha === b.alpha && a.beta === b.beta && a.l1 === b.l1 && a.l2 === b.l2;
}
