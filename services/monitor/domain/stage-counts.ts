import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const ENTRIES = 256;
const SIZE = 0;
const FIRST = 1;

/**
 * How many pairs came with which key (plan of the prediction, or position of the example), so that the pairs of a
 * stage can be counted whenever it becomes known where it began: evidence must not depend on when that is heard. The
 * newest 256 keys are told apart; older ones are counted under the oldest of them, which can only count too few for a
 * stage.
 */
export class StageCounts {
  /** Number of entries, then (key, count), keys ascending. */
  readonly #state = new Float64Array(FIRST + 2 * ENTRIES);

  /** Counts one pair. */
  take(key: number): void {
    const state = this.#state;
    const size = state[SIZE] ?? 0;
    let entry = size - 1;
    while (entry >= 0 && (state[FIRST + 2 * entry] ?? 0) > key) entry -= 1;
    if (entry >= 0 && state[FIRST + 2 * entry] === key) {
      state[FIRST + 2 * entry + 1] = (state[FIRST + 2 * entry + 1] ?? 0) + 1;
      return;
    }
    if (size < ENTRIES) this.#insert(entry + 1, key);
    else if (entry === 0) state[FIRST + 1] = (state[FIRST + 1] ?? 0) + 1;
    else if (entry > 0) {
      this.#mergeOldest();
      this.#insert(entry, key);
    }
  }

  /** Returns how many pairs had at least this key. */
  since(key: number): number {
    let count = 0;
    for (let entry = (this.#state[SIZE] ?? 0) - 1; entry >= 0; entry -= 1) {
      if ((this.#state[FIRST + 2 * entry] ?? 0) < key) break;
      count += this.#state[FIRST + 2 * entry + 1] ?? 0;
    }
    return count;
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }

  #insert(entry: number, key: number): void {
    const state = this.#state;
    const size = state[SIZE] ?? 0;
    state.copyWithin(FIRST + 2 * (entry + 1), FIRST + 2 * entry, FIRST + 2 * size);
    state[FIRST + 2 * entry] = key;
    state[FIRST + 2 * entry + 1] = 1;
    state[SIZE] = size + 1;
  }

  /** Counts the second-oldest key under the oldest. */
  #mergeOldest(): void {
    const state = this.#state;
    const size = state[SIZE] ?? 0;
    state[FIRST + 1] = (state[FIRST + 1] ?? 0) + (state[FIRST + 3] ?? 0);
    state.copyWithin(FIRST + 2, FIRST + 4, FIRST + 2 * size);
    state[SIZE] = size - 1;
  }
}
