import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';

const CAPACITY = 1024;
const OLDEST = 0;
const COUNT = 1;
const ANSWERED = 2;
const ANSWERED_AT = 3;
const ENTRIES = 4;

/**
 * How long after an event was on Kafka the first answer came that had learned it, by the clocks of the records. Events and
 * answers come from two topics in any order: the newest 1,024 event records wait for an answer; an answer that came first
 * is remembered. When answers are rarer than events, the time to the next answer is part of the figure.
 */
export class FreshnessClock {
  /** Oldest slot, count, greatest answered position, when it was answered; then (offset, record time) pairs in a ring. */
  readonly #state = new Float64Array(ENTRIES + 2 * CAPACITY);

  /** Takes an event record; returns its delay when its answer is known already, ms. */
  event(offset: number, recordTimeMs: number): number | undefined {
    const state = this.#state;
    if (offset < (state[ANSWERED] ?? 0)) return Math.max(0, (state[ANSWERED_AT] ?? 0) - recordTimeMs);
    if ((state[COUNT] ?? 0) === CAPACITY) this.#drop();
    const slot = ENTRIES + 2 * (((state[OLDEST] ?? 0) + (state[COUNT] ?? 0)) % CAPACITY);
    state[slot] = offset;
    state[slot + 1] = recordTimeMs;
    state[COUNT] = (state[COUNT] ?? 0) + 1;
    return undefined;
  }

  /** Takes an answer whose snapshot had learned everything below `position`; calls back with each event's delay, ms. */
  answer(position: number, recordTimeMs: number, onDelay: (delayMs: number) => void): void {
    const state = this.#state;
    if (position <= (state[ANSWERED] ?? 0)) return;
    state[ANSWERED] = position;
    state[ANSWERED_AT] = recordTimeMs;
    while ((state[COUNT] ?? 0) > 0) {
      const slot = ENTRIES + 2 * (state[OLDEST] ?? 0);
      if ((state[slot] ?? 0) >= position) return;
      onDelay(Math.max(0, recordTimeMs - (state[slot + 1] ?? 0)));
      this.#drop();
    }
  }

  /** Returns the state as live little-endian float64. */
  bytes(): Uint8Array {
    return bytesOf(this.#state);
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes, name);
  }

  #drop(): void {
    this.#state[OLDEST] = ((this.#state[OLDEST] ?? 0) + 1) % CAPACITY;
    this.#state[COUNT] = (this.#state[COUNT] ?? 0) - 1;
  }
}
