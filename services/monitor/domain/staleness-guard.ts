import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';
import { LastWindow } from './last-window.ts';

/** So many answers of the candidate in a row must have been too old. */
const IN_A_ROW = 20;
const AT = { count: 0, sumMs: 1, inRow: 2, hasFired: 3 };

/**
 * Rolls back a candidate that answered 20 times in a row with parameters older than the limit. A limit, not a test:
 * it needs no alpha.
 */
export class StalenessGuard {
  readonly #maxMs: number;
  readonly #state = new Float64Array(4);
  readonly #last = new LastWindow(IN_A_ROW);

  /** @param maxMs the greatest age allowed, ms; 0 for any */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** Takes the age of the parameters with which the candidate answered, ms; below 0 when unknown. */
  take(ageMs: number): void {
    if (ageMs < 0) return;
    const state = this.#state;
    state[AT.count] = (state[AT.count] ?? 0) + 1;
    state[AT.sumMs] = (state[AT.sumMs] ?? 0) + ageMs;
    const inRow = this.#maxMs > 0 && ageMs > this.#maxMs ? (state[AT.inRow] ?? 0) + 1 : 0;
    state[AT.inRow] = inRow;
    if (inRow >= IN_A_ROW) state[AT.hasFired] = 1;
    this.#last.take(ageMs);
  }

  /** Why the candidate is to be rolled back; undefined when it is not. */
  get fault(): string | undefined {
    if (this.#state[AT.hasFired] !== 1) return undefined;
    return `staleness: ${String(IN_A_ROW)} answers in a row came from parameters older than ${String(this.#maxMs)} ms`;
  }

  /** Returns what a verdict shows of it. */
  evidence(): StreamEvidence {
    const [count = 0, sumMs = 0] = this.#state;
    return {
      name: 'staleness',
      role: 'guard',
      count,
      estimate: count === 0 ? null : sumMs / count,
      interval: null,
      lastWindow: this.#last.mean,
      rollback: null,
      promote: null,
      examplesNeeded: null,
    };
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.#state.byteLength + this.#last.bytes().length);
    bytes.set(bytesOf(this.#state));
    bytes.set(this.#last.bytes(), this.#state.byteLength);
    return bytes;
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array, name: string): void {
    restoreBytes(this.#state, bytes.subarray(0, this.#state.byteLength), name);
    this.#last.restore(bytes.subarray(this.#state.byteLength), name);
  }
}
