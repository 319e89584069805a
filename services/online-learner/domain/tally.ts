import { besideAfter } from './kept-beside.ts';
import type { KeptBeside } from './kept-beside.ts';

/** Events by what became of them. */
export interface EventCounts {
  readonly learned: number;
  readonly duplicate: number;
  readonly screened: number;
  readonly refused: number;
}

/** What records did, in numbers: `refused` with those that were screened. */
export interface Tallied {
  readonly learned: number;
  readonly duplicates: number;
  readonly screened: number;
  readonly refused: number;
  /** Latest event time among the learned events, ms; null when none was learned. */
  readonly learnedToMs: number | null;
}

/** Adds up what records did until somebody wants to know: telling metrics of each would cost more than learning it. */
export class Tally {
  #learned = 0;
  #duplicate = 0;
  #screened = 0;
  #refused = 0;
  #learnedToMs: number | null = null;

  add({ learned, duplicates, screened, refused, learnedToMs }: Tallied): void {
    this.#learned += learned;
    this.#duplicate += duplicates;
    this.#screened += screened;
    this.#refused += refused - screened;
    if (learnedToMs !== null) this.#learnedToMs = Math.max(this.#learnedToMs ?? 0, learnedToMs);
  }

  /** Returns the counts since the last call and what is kept beside the state after them; undefined when there were none. */
  take(beside: KeptBeside): { readonly counts: EventCounts; readonly beside: KeptBeside } | undefined {
    const counts = {
      learned: this.#learned,
      duplicate: this.#duplicate,
      screened: this.#screened,
      refused: this.#refused,
    };
    if (counts.learned + counts.duplicate + counts.screened + counts.refused === 0) return undefined;
    const after = besideAfter(beside, counts.learned, this.#learnedToMs);
    this.#learned = this.#duplicate = this.#screened = this.#refused = 0;
    this.#learnedToMs = null;
    return { counts, beside: after };
  }
}
