import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';
import { SlotMerger } from './slot-merger.ts';
import { TouchedCoordinates } from './touched-coordinates.ts';

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
  readonly #merger: SlotMerger;
  readonly #nextW: Float64Array;
  readonly #nextZ: Float64Array;
  readonly #nextN: Float64Array;

  /** @param width pairs a row */
  constructor(config: FtrlLogisticConfig, width: number) {
    const size = 2 ** config.tableBits + 1;
    this.config = config;
    this.w = new Float32Array(size);
    this.z = new Float32Array(size);
    this.n = new Float32Array(size);
    this.touched = new TouchedCoordinates(size);
    this.#width = width;
    this.#merger = new SlotMerger(width);
    this.#nextW = new Float64Array(width);
    this.#nextZ = new Float64Array(width);
    this.#nextN = new Float64Array(width);
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
    const merger = this.#merger;
    const { w, z, n } = this;
    const { beta, l1, l2 } = this.config;
    const perAlpha = 1 / this.config.alpha;
    const bias = w.length - 1;
    const count = merger.merge(indices, values, at);

    for (let c = 0; c < count; c++) {
      const i = merger.coordinates[c] ?? 0;
      const gradient = logitGradient * (merger.sums[c] ?? 0);
      const oldN = n[i] ?? 0;
      const newN = Math.fround(oldN + gradient * gradient);
      const root = Math.sqrt(newN);
      const sigma = (root - Math.sqrt(oldN)) * perAlpha;
      const newZ = Math.fround((z[i] ?? 0) + gradient - sigma * (w[i] ?? 0));
      const newW = weightOf(newZ, i === bias ? 0 : l1, (beta + root) * perAlpha + l2);
      // Finite float32 numbers cannot overflow a float64 sum, so this is finite exactly when all three are.
      if (!Number.isFinite(newN + newZ + newW)) return merger.slots[c] ?? 0;
      this.#nextN[c] = newN;
      this.#nextZ[c] = newZ;
      this.#nextW[c] = newW;
    }

    for (let c = 0; c < count; c++) {
      const i = merger.coordinates[c] ?? 0;
      n[i] = this.#nextN[c] ?? 0;
      z[i] = this.#nextZ[c] ?? 0;
      w[i] = this.#nextW[c] ?? 0;
      this.touched.mark(i);
    }
    return -1;
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
  return Math.fround(((z < 0 ? -l1 : l1) - z) / denominator);
}

function hasSameRates(a: FtrlLogisticConfig, b: FtrlLogisticConfig): boolean {
  return a.alpha === b.alpha && a.beta === b.beta && a.l1 === b.l1 && a.l2 === b.l2;
}
