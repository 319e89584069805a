import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import { CoordinateSet } from './touched-coordinates.ts';

/** Below this size of a version's weights only full snapshots are sent, bytes. */
const FULL_ONLY_BYTES = 256 * 1024;

/** Share of the full size that a delta may have, and that all steps from one delta to the next may have together. */
const LISTED_SHARE_MAX = 0.25;

/** Bytes of one index and its weight in a delta or a step. */
const ENTRY_BYTES = 8;

/** Most steps from one delta to the next: each has a key of its own, and a reader that begins reads them all. */
const STEPS_MAX = 64;

/** Most weights of a step, which is one record. */
const STEP_WEIGHTS_MAX = 2 ** 20;

/** What remembers which weights were touched. */
export interface TouchedWeights {
  /** Returns the indices of all weights touched since `resetTouched`, ascending, in an array of its own; they stay listed. */
  takeTouched(): Uint32Array<ArrayBuffer>;
  resetTouched(): void;
}

/** A snapshot that is to be sent. */
export interface SnapshotLink {
  readonly kind: SnapshotKind;
  /** Position of the snapshot that it is relative to; its own for a full one. */
  readonly basePosition: number;
  /** Weights that it lists, ascending; null: all. */
  readonly indices: Uint32Array<ArrayBuffer> | null;
  /** Which of the keys of its kind it takes: steps have several, 0 …; 0 for the others. */
  readonly slot: number;
}

/** Returns how many keys the snapshots of a kind take whose version has so many weights, but for those of further chunks. */
export function slotsOf(kind: SnapshotKind, weights: number): number {
  if (weights * Float32Array.BYTES_PER_ELEMENT < FULL_ONLY_BYTES) return kind === 'full' ? 1 : 0;
  return kind === 'step' ? STEPS_MAX : 1;
}

/**
 * Which snapshots of a version name which. A full one has everything; a delta what was touched since a full one; a step what was
 * touched since the snapshot before it. A new full one replaces the one before it, a new delta, too, and the steps after it those
 * before it, one by one; which is what compaction by key does. So the newest of each key are all that a reader needs, and whoever has
 * heard every step needs nothing else.
 *
 * A run of steps ends when it has used up its keys or its share of bytes. Its last step has a delta or a full snapshot of the same
 * position after it: who heard that step need not wait for what is larger, and who did not goes on from there. Where k weights are
 * touched from one snapshot to the next, and never the same twice, steps and deltas list k + n/64 weights a snapshot on the average,
 * n of them touched since the full one.
 * Source: the differential and incremental levels of backups, the log and checkpoints of databases.
 */
export class SnapshotChain {
  readonly #hasParts: boolean;
  /** Most weights of a delta, and of all steps from one to the next. */
  readonly #listedMax: number;
  #full: number | undefined;
  /** The snapshot before; undefined while no delta is on the named full one. */
  #before: number | undefined;
  /** Since the newest delta: steps, and what they list. */
  #steps = 0;
  #listed = 0;
  /** Touched since the named full snapshot. */
  readonly #known: CoordinateSet;

  /** @param weights how many there are */
  constructor(weights: number) {
    this.#hasParts = slotsOf('step', weights) > 0;
    this.#listedMax = (weights * Float32Array.BYTES_PER_ELEMENT * LISTED_SHARE_MAX) / ENTRY_BYTES;
    this.#known = new CoordinateSet(weights);
  }

  /**
   * Returns the next snapshot, of the weights as they are now: one, or a step and what says the same to who did not hear all steps,
   * in this order.
   *
   * @param position where they are; has risen since the snapshot before, unless the chain was broken
   */
  next(position: number, weights: TouchedWeights): readonly SnapshotLink[] {
    if (this.#full === undefined || !this.#hasParts) return [this.#begin(position, weights)];
    const touched = weights.takeTouched();
    weights.resetTouched();
    this.#known.add(touched);
    this.#listed += touched.length;
    const step = this.#step(touched);
    if (step !== undefined && this.#steps < STEPS_MAX && this.#listed <= this.#listedMax) {
      this.#before = position;
      return [step];
    }
    const end =
      this.#known.size > this.#listedMax ? this.#begin(position, weights) : this.#delta(position, this.#full);
    return step === undefined ? [end] : [step, end];
  }

  /** Makes the next snapshot a full one: nobody may have what was named last. */
  break(): void {
    this.#full = undefined;
  }

  #step(indices: Uint32Array<ArrayBuffer>): SnapshotLink | undefined {
    if (this.#before === undefined || indices.length > STEP_WEIGHTS_MAX) return undefined;
    return { kind: 'step', basePosition: this.#before, indices, slot: this.#steps++ };
  }

  #delta(position: number, basePosition: number): SnapshotLink {
    this.#before = position;
    this.#steps = 0;
    this.#listed = 0;
    return { kind: 'delta', basePosition, indices: this.#known.list(), slot: 0 };
  }

  #begin(position: number, weights: TouchedWeights): SnapshotLink {
    weights.resetTouched();
    this.#full = position;
    this.#before = undefined;
    this.#steps = 0;
    this.#listed = 0;
    this.#known.clear();
    return { kind: 'full', basePosition: position, indices: null, slot: 0 };
  }
}
