import type { FtrlLogisticConfig } from '../../../shared/domain/model-spec.ts';

/** Algorithm 1 of McMahan et al. (2013) as it is printed, in float64, deriving w from z and n at each prediction. */
export class FtrlReference {
  readonly #z = new Map<number, number>();
  readonly #n = new Map<number, number>();
  readonly #config: FtrlLogisticConfig;

  constructor(config: FtrlLogisticConfig) {
    this.#config = config;
  }

  weight(i: number): number {
    const { alpha, beta, l1, l2, tableBits } = this.#config;
    const z = this.#z.get(i) ?? 0;
    const penalty = i === 2 ** tableBits ? 0 : l1;
    if (Math.abs(z) <= penalty) return 0;
    return -(z - Math.sign(z) * penalty) / ((beta + Math.sqrt(this.#n.get(i) ?? 0)) / alpha + l2);
  }

  predict(x: ReadonlyMap<number, number>): number {
    let logit = 0;
    for (const [i, value] of x) logit += this.weight(i) * value;
    return 1 / (1 + Math.exp(-logit));
  }

  learn(x: ReadonlyMap<number, number>, label: number, weight: number): void {
    const p = this.predict(x);
    for (const [i, value] of x) {
      const g = (p - label) * value * weight;
      const n = this.#n.get(i) ?? 0;
      const sigma = (Math.sqrt(n + g * g) - Math.sqrt(n)) / this.#config.alpha;
      const w = this.weight(i);
      this.#z.set(i, (this.#z.get(i) ?? 0) + g - sigma * w);
      this.#n.set(i, n + g * g);
    }
  }
}
