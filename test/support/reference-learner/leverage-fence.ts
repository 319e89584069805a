import { FENCE_SMOOTHING, leverageLimit } from '../../../services/online-learner/domain/leverage-fence.ts';

/** The fence against examples that would move a version far more than any it has learned, as the kernel keeps it. */
export class LeverageFence {
  /** Mean square of the leverage, examples. */
  readonly state = new Float64Array(2);

  isPast(weight: number, squaredNorm: number): boolean {
    const limit = leverageLimit(this.state);
    return !(weight * weight * squaredNorm <= limit * limit);
  }

  learn(weight: number, squaredNorm: number): void {
    if (weight === 0) return;
    const [mean = 0, before = 0] = this.state;
    const count = before + 1;
    const square = weight * weight * squaredNorm;
    this.state[0] = mean + Math.max(FENCE_SMOOTHING, 1 / count) * (square - mean);
    this.state[1] = count;
  }
}
