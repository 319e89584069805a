import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';

/**
 * Logistic regression trained by per-coordinate FTRL-proximal, as the learner's kernel does it, one coordinate after the
 * other in plain TypeScript: what the kernel is held to, bit for bit.
 */
export class FtrlLogistic {
  readonly w: Float32Array<ArrayBuffer>;
  readonly z: Float32Array<ArrayBuffer>;
  readonly n: Float32Array<ArrayBuffer>;
  readonly #config: FtrlLogisticConfig;
  readonly #exp: (x: number) => number;

  /** @param exp exponential function: the kernel's own where its bits are compared */
  constructor(config: FtrlLogisticConfig, exp: (x: number) => number = Math.exp) {
    const size = 2 ** config.tableBits + 1;
    this.#config = config;
    this.#exp = exp;
    this.w = new Float32Array(size);
    this.z = new Float32Array(size);
    this.n = new Float32Array(size);
  }

  /** Returns 1 / (1 + exp(-Σ w[index] · value)), products and sum in float64 in slot order from float32 weights and values. */
  predict(indices: Int32Array, values: Float32Array): number {
    let logit = 0;
    for (const [k, value] of values.entries()) logit += (this.w[indices[k] ?? 0] ?? 0) * value;
    return 1 / (1 + this.#exp(-logit));
  }

  /**
   * Learns one example all or nothing: returns -1 when it was applied, or the slot of the first coordinate that would have
   * become non-finite, with nothing changed. Slots of value 0 are left alone; repeated coordinates are one with the sum.
   *
   * @param logitGradient (predicted probability - label) · event weight
   */
  learn(indices: Int32Array, values: Float32Array, logitGradient: number): number {
    const { w, z, n } = this;
    const { alpha, beta, l1, l2 } = this.#config;
    const perAlpha = 1 / alpha;
    const bias = w.length - 1;
    const next: [i: number, w: number, z: number, n: number][] = [];
    for (const [i, { sum, slot }] of distinct(indices, values)) {
      const gradient = logitGradient * sum;
      const oldN = n[i] ?? 0;
      const newN = Math.fround(oldN + gradient * gradient);
      const root = Math.sqrt(newN);
      const sigma = (root - Math.sqrt(oldN)) * perAlpha;
      const newZ = Math.fround((z[i] ?? 0) + gradient - sigma * (w[i] ?? 0));
      const newW = weightOf(newZ, i === bias ? 0 : l1, (beta + root) * perAlpha + l2);
      if (!Number.isFinite(newN + newZ + newW)) return slot;
      next.push([i, newW, newZ, newN]);
    }
    for (const [i, newW, newZ, newN] of next) {
      w[i] = newW;
      z[i] = newZ;
      n[i] = newN;
    }
    return -1;
  }
}

/** Returns the coordinates with a value other than 0 in order of first occurrence, their sums and first slots. */
function distinct(indices: Int32Array, values: Float32Array): Map<number, { sum: number; slot: number }> {
  const found = new Map<number, { sum: number; slot: number }>();
  for (const [slot, value] of values.entries()) {
    if (value === 0) continue;
    const i = indices[slot] ?? 0;
    const known = found.get(i);
    if (known === undefined) found.set(i, { sum: value, slot });
    else known.sum += value;
  }
  return found;
}

/** The paper's closed form of w: 0 within the L1 threshold; also 0 where nothing but underflow has been seen. */
function weightOf(z: number, l1: number, denominator: number): number {
  if (denominator === 0 || Math.abs(z) <= l1) return 0;
  return Math.fround(((z < 0 ? -l1 : l1) - z) / denominator);
}
