import {
  bytesOf,
  PAGE_BYTES,
  pageCount,
  pagedSection,
  restoreBytes,
  wholeSection,
} from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import type { Assigned } from './pair.ts';

const PLACES = 2 ** 17;
const SUBJECTS_MAX = PLACES / 2;
const WIDTH = 2;
const DIRTY = 1;
const CANDIDATE = 1;

/**
 * What is known of subjects' arms from their bad outcomes so far. Subjects stick to their arm while the candidate's
 * share rises, so a second bad outcome of a subject says little or nothing about the arms: one that is the
 * candidate's stays it, and one that was stable's at share q is the candidate's at a larger share p with probability
 * (p − q) / (1 − q). With that, a subject counts once per share, and what it says is never counted twice. Up to
 * 65,536 subjects are remembered; then new ones are left out, whatever their arm.
 */
export class KnownArms {
  readonly #table = new Float64Array(PLACES * WIDTH);
  readonly #size = new Float64Array(1);
  readonly #pages = new Uint8Array(pageCount(PLACES * WIDTH * 8)).fill(DIRTY);

  /**
   * Remembers the arm of a subject that had a bad outcome and returns the probability, given what was known before, that
   * it is the candidate's; null when that was certain, or nobody could tell.
   */
  take({ arm, candidateProbability: share, subjectHash }: Assigned): number | null {
    if (!(share > 0 && share < 1)) return null;
    const place = this.#placeOf(subjectHash + 1);
    const isNew = this.#table[place] === 0;
    if (isNew && (this.#size[0] ?? 0) >= SUBJECTS_MAX) return null;
    const stableAt = isNew ? 0 : (this.#table[place + 1] ?? 0);
    if (stableAt >= share) return null;
    if (isNew) this.#size[0] = (this.#size[0] ?? 0) + 1;
    this.#table[place] = subjectHash + 1;
    this.#table[place + 1] = arm === 'candidate' ? CANDIDATE : share;
    this.#pages[Math.floor((place * 8) / PAGE_BYTES)] = DIRTY;
    return (share - stableAt) / (1 - stableAt);
  }

  sections(prefix: string): StateSection[] {
    return [
      wholeSection(`${prefix}/size`, () => bytesOf(this.#size)),
      pagedSection({
        name: `${prefix}/subjects`,
        bytes: () => bytesOf(this.#table),
        pageFlags: () => this.#pages,
        flag: DIRTY,
      }),
    ];
  }

  /** Fills the memory from its sections; throws RangeError when a size differs. */
  restore(prefix: string, read: (name: string) => Uint8Array): void {
    restoreBytes(this.#size, read(`${prefix}/size`), `${prefix}/size`);
    restoreBytes(this.#table, read(`${prefix}/subjects`), `${prefix}/subjects`);
    this.#pages.fill(0);
  }

  /** Where a key is, or the free place at which it would go; in array places. */
  #placeOf(key: number): number {
    let place = key % PLACES;
    while (this.#table[place * WIDTH] !== 0 && this.#table[place * WIDTH] !== key)
      place = (place + 1) % PLACES;
    return place * WIDTH;
  }
}
