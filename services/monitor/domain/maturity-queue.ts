import {
  bytesOf,
  PAGE_BYTES,
  pageCount,
  pagedSection,
  restoreBytes,
  wholeSection,
} from '../../../shared/domain/state-section.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import type { Assigned, Pair, PairScore } from './pair.ts';

const CAPACITY_MIN = 1024;
/** The most pairs that wait; above it they are sampled. */
export const WAITING_PAIRS_MAX = 65_536;

/** Values of an entry: time, hash of the id, scores, label and arm, stage, probability of the candidate's arm, subject. */
const WIDTH = 8;
const TIE = 1;
const COUNT = 0;
const LEVEL = 1;
const DIRTY = 1;
const SCORES = { failed: -1, absent: -2 } as const;
/** Added to the label of a pair whose subject was assigned to the candidate. */
const CANDIDATE_ARM = 2;

/** A pair that waits until its label window has closed. */
export interface WaitingPair {
  readonly pair: Pair;
  readonly assigned: Assigned;
  /** 53 bits of the prediction's hash: order among pairs of one moment, and what sampling goes by. */
  readonly idHash: number;
}

/** What stands in a failed candidate's place when its run is known is this less the run. */
const FAILED_RUN = -3;

const encoded = (score: PairScore): number => (typeof score === 'number' ? score : SCORES[score]);
function decoded(score: number): PairScore {
  if (score === SCORES.absent) return 'absent';
  return score < 0 ? 'failed' : score;
}

/**
 * Pairs waiting for their label window to close, given out in the order of their predictions: a binary heap by (time
 * of the prediction, hash of its id). At most 65,536 wait. When they would be more, only those whose hash is a
 * multiple of 2^level are kept, waiting or new, and the level only rises within a rollout: whether a pair counts is
 * decided by its id alone, never by its scores, its label or how late that comes.
 */
export class MaturityQueue {
  readonly #head = new Float64Array(2);
  /** Slots of entries: the first `count` are the heap, the others are free. */
  #order: Int32Array<ArrayBuffer>;
  #entries: Float64Array<ArrayBuffer>;
  #orderPages = new Uint8Array();
  #entryPages = new Uint8Array();

  constructor() {
    this.#order = new Int32Array();
    this.#entries = new Float64Array();
    this.#allocate(CAPACITY_MIN);
  }

  /** How many wait. */
  get size(): number {
    return this.#head[COUNT] ?? 0;
  }

  /** Share of pairs that are kept, 2^-level. */
  get samplingProbability(): number {
    return 2 ** -(this.#head[LEVEL] ?? 0);
  }

  /** Adds a pair, unless sampling leaves it out. */
  add({ pair, assigned, idHash }: WaitingPair): void {
    if (!this.#isSampled(idHash)) return;
    if (this.size === this.#order.length) {
      if (this.size < WAITING_PAIRS_MAX) this.#grow();
      else this.#thin();
      if (!this.#isSampled(idHash)) return;
    }
    const count = this.size;
    const slot = this.#order[count] ?? 0;
    const { atMs, candidate, baseline, label, stageKey, failedRun } = pair;
    const { arm, candidateProbability, subjectHash } = assigned;
    const labelAndArm = label + (arm === 'candidate' ? CANDIDATE_ARM : 0);
    const ofCandidate = failedRun === undefined ? encoded(candidate) : FAILED_RUN - failedRun;
    const scores = [ofCandidate, encoded(baseline)];
    const values = [atMs, idHash, ...scores, labelAndArm, stageKey, candidateProbability, subjectHash];
    this.#entries.set(values, slot * WIDTH);
    this.#entryPages[Math.floor((slot * WIDTH * 8) / PAGE_BYTES)] = DIRTY;
    this.#head[COUNT] = count + 1;
    this.#siftUp(count);
  }

  /** Takes out every pair of a prediction made at or before a time, in order. */
  release(untilMs: number, take: (pair: Pair, assigned: Assigned) => void): void {
    while (this.size > 0) {
      const slot = this.#order[0] ?? 0;
      const entry = this.#entries.subarray(slot * WIDTH, (slot + 1) * WIDTH);
      const [atMs = 0, , candidate = 0, baseline = 0, labelAndArm = 0, stageKey = 0] = entry;
      const [candidateProbability = 0, subjectHash = 0] = entry.subarray(WIDTH - 2);
      if (atMs > untilMs) return;
      const isCandidate = labelAndArm >= CANDIDATE_ARM;
      const label = isCandidate ? labelAndArm - CANDIDATE_ARM : labelAndArm;
      this.#removeFirst();
      const run = candidate < FAILED_RUN ? { failedRun: FAILED_RUN - candidate } : {};
      take(
        { candidate: decoded(candidate), baseline: decoded(baseline), label, atMs, stageKey, ...run },
        { arm: isCandidate ? 'candidate' : 'stable', candidateProbability, subjectHash },
      );
    }
  }

  sections(prefix: string): StateSection[] {
    const paged = (name: string, bytes: () => Uint8Array, flags: () => Uint8Array): StateSection =>
      pagedSection({ name: `${prefix}/${name}`, bytes, pageFlags: flags, flag: DIRTY });
    return [
      wholeSection(`${prefix}/head`, () => bytesOf(this.#head)),
      paged(
        'order',
        () => bytesOf(this.#order),
        () => this.#orderPages,
      ),
      paged(
        'entries',
        () => bytesOf(this.#entries),
        () => this.#entryPages,
      ),
    ];
  }

  /** Fills the queue from its sections; throws RangeError when they are not a queue's. */
  restore(prefix: string, read: (name: string) => Uint8Array): void {
    const order = read(`${prefix}/order`);
    restoreBytes(this.#head, read(`${prefix}/head`), `${prefix}/head`);
    this.#allocate(order.length / 4);
    restoreBytes(this.#order, order, `${prefix}/order`);
    restoreBytes(this.#entries, read(`${prefix}/entries`), `${prefix}/entries`);
    this.#orderPages.fill(0);
    this.#entryPages.fill(0);
  }

  #isSampled(idHash: number): boolean {
    return idHash % 2 ** (this.#head[LEVEL] ?? 0) === 0;
  }

  #isBefore(slotA: number, slotB: number): boolean {
    const [a, b] = [slotA * WIDTH, slotB * WIDTH];
    const [timeA, timeB] = [this.#entries[a] ?? 0, this.#entries[b] ?? 0];
    if (timeA !== timeB) return timeA < timeB;
    return (this.#entries[a + TIE] ?? 0) < (this.#entries[b + TIE] ?? 0);
  }

  #place(at: number, slot: number): void {
    this.#order[at] = slot;
    this.#orderPages[Math.floor((at * 4) / PAGE_BYTES)] = DIRTY;
  }

  #siftUp(from: number): void {
    let at = from;
    const slot = this.#order[at] ?? 0;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#order[parent] ?? 0;
      if (!this.#isBefore(slot, above)) break;
      this.#place(at, above);
      at = parent;
    }
    this.#place(at, slot);
  }

  #siftDown(from: number): void {
    let at = from;
    const count = this.size;
    const slot = this.#order[at] ?? 0;
    for (let child = 2 * at + 1; child < count; child = 2 * at + 1) {
      const right = child + 1;
      if (right < count && this.#isBefore(this.#order[right] ?? 0, this.#order[child] ?? 0)) child = right;
      const below = this.#order[child] ?? 0;
      if (!this.#isBefore(below, slot)) break;
      this.#place(at, below);
      at = child;
    }
    this.#place(at, slot);
  }

  #removeFirst(): void {
    const last = this.size - 1;
    const freed = this.#order[0] ?? 0;
    this.#head[COUNT] = last;
    this.#place(0, this.#order[last] ?? 0);
    this.#place(last, freed);
    if (last > 0) this.#siftDown(0);
  }

  /** Raises the level and drops what it leaves out. */
  #thin(): void {
    while (this.size === WAITING_PAIRS_MAX) {
      this.#head[LEVEL] = (this.#head[LEVEL] ?? 0) + 1;
      const count = this.size;
      const [kept, freed]: [number[], number[]] = [[], []];
      for (const slot of this.#order.subarray(0, count)) {
        const isKept = this.#isSampled(this.#entries[slot * WIDTH + TIE] ?? 0);
        (isKept ? kept : freed).push(slot);
      }
      [...kept, ...freed].forEach((slot, at) => {
        this.#place(at, slot);
      });
      this.#head[COUNT] = kept.length;
      for (let at = (kept.length >> 1) - 1; at >= 0; at -= 1) this.#siftDown(at);
    }
  }

  #grow(): void {
    const [order, entries] = [this.#order, this.#entries];
    this.#allocate(2 * order.length);
    this.#order.set(order);
    this.#entries.set(entries);
  }

  #allocate(capacity: number): void {
    const isAllowed =
      capacity >= CAPACITY_MIN && capacity <= WAITING_PAIRS_MAX && Number.isInteger(Math.log2(capacity));
    if (!isAllowed) {
      const allowed = `a power of two in ${String(CAPACITY_MIN)} … ${String(WAITING_PAIRS_MAX)}`;
      throw new RangeError(`restoring waiting pairs: capacity ${String(capacity)}, allowed ${allowed}`);
    }
    this.#order = Int32Array.from({ length: capacity }, (_, slot) => slot);
    this.#entries = new Float64Array(capacity * WIDTH);
    this.#orderPages = new Uint8Array(pageCount(this.#order.byteLength)).fill(DIRTY);
    this.#entryPages = new Uint8Array(pageCount(this.#entries.byteLength)).fill(DIRTY);
  }
}
