import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const COUNT = 0;
const FIRST = 1;

/** The newest values in a ring, and their mean. */
export class LastWindow {
  readonly #state: Float64Array<ArrayBuffer>;
  readonly #capacity: number;

  /** @param capacity how many of the newest values are kept, 1 … */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#state = new Float64Array(FIRST + capacity);
  }

  take(value: number): void {
    const count = this.#state[COUNT] ?? 0;
    this.#state[FIRST + (count % this.#capacity)] = value;
    this.#state[COUNT] = count + 1;
  }

  /** How many values are kept now. */
  get size(): number {
    return Math.min(this.#capacity, this.#state[COUNT] ?? 0);
  }

  /** Whether as many values are kept as ever will be. */
  get isFull(): boolean {
    return this.size === this.#capacity;
  }

  /** Returns the kept values, oldest first. */
  values(): Float64Array {
    const count = this.#state[COUNT] ?? 0;
    const { size } = this;
    const values = new Float64Array(size);
    for (let i = 0; i < size; i += 1)
      values[i] = this.#state[FIRST + ((count - size + i) % this.#capacity)] ?? 0;
    return values;
  }

  /** Mean of the kept values; null before the first. */
  get mean(): number | null {
    const { size } = this;
    if (size === 0) return null;
    let sum = 0;
    for (let i = 0; i < size; i += 1) sum += this.#state[FIRST + i] ?? 0;
    return sum / size;
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }
}

/** Returns the value that a share of all values are at most, by the nearest rank; null of none. */
export function quantileOf(values: Float64Array, share: number): number | null {
  const sorted = values.slice().sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}
