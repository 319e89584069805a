import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const YES = 0;
const RIGHT = 1;

/** The precision of one version at a threshold so far; one right and one wrong yes are taken as seen before the first. */
export class BaselinePrecision {
  readonly #counts = new Float64Array(2);

  /** Takes the label of an example to which the version said yes. */
  take(label: number): void {
    this.#counts[YES] = (this.#counts[YES] ?? 0) + 1;
    this.#counts[RIGHT] = (this.#counts[RIGHT] ?? 0) + label;
  }

  /** The precision so far, (0, 1). */
  get rate(): number {
    return ((this.#counts[RIGHT] ?? 0) + 1) / ((this.#counts[YES] ?? 0) + 2);
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#counts);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#counts, bytes, name);
  }
}
