import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import { CoordinateSet } from './touched-coordinates.ts';

/** Below this size of a version's weights only full snapshots are sent, bytes. */
const FULL_ONLY_BYTES = 256 * 1024;

/** Share of the full size above which a delta is replaced by a new full snapshot. */
const DELTA_SHARE_MAX = 0.25;

/** Bytes of one index and its weight in a delta or a step. */
const ENTRY_BYTES = 8;

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
}

/**
 * Which snapshots of a version name which. A full one has everything; a delta what was touched since a full one; a step what was
 * touched since a delta. So each kind replaces the one before it of the same kind (which is what compaction by key does), and the
 * newest of each are all that a reader needs.
 *
 * A step is sent while the steps on the named delta have listed less than the delta does, then a new delta: whatever is touched,
 * steps cost about what deltas do. Where k weights are touched from one snapshot to the next, and never the same twice, a delta of
 * n weights comes every √(2n/k) snapshots, and a snapshot lists √(2kn) of them on the average instead of n. Source: the differential
 * and incremental levels of backups; rent or buy (Karlin et al. 1988) for the rule.
 */
export class SnapshotChain {
  readonly #weightBytes: number;
  #full: number | undefined;
  #delta: { readonly position: number; readonly listed: number } | undefined;
  /** How many weights the steps on the named delta have listed. */
  #stepped = 0;
  /** Touched between the named full snapshot and the named delta. */
  readonly #known: CoordinateSet;

  /** @param weights how many there are */
  constructor(weights: number) {
    this.#weightBytes = weights * Float32Array.BYTES_PER_ELEMENT;
    this.#known = new CoordinateSet(weights);
  }

  /**
   * Returns the next snapshot, of the weights as they are now.
   *
   * @param position where they are; has risen since the snapshot before, unless the chain was broken
   */
  next(position: number, weights: TouchedWeights): SnapshotLink {
    if (this.#full === undefined || this.#weightBytes < FULL_ONLY_BYTES)
      return this.#begin(position, weights);
    const touched = weights.takeTouched();
    if (this.#delta !== undefined && this.#stepped < this.#delta.listed) {
      this.#stepped += touched.length;
      return { kind: 'step', basePosition: this.#delta.position, indices: touched };
    }
    this.#known.add(touched);
    if (this.#known.size * ENTRY_BYTES > this.#weightBytes * DELTA_SHARE_MAX)
      return this.#begin(position, weights);
    weights.resetTouched();
    this.#delta = { position, listed: this.#known.size };
    this.#stepped = 0;
    return { kind: 'delta', basePosition: this.#full, indices: this.#known.list() };
  }

  /** Makes the next snapshot a full one: nobody may have what was named last. */
  break(): void {
    this.#full = undefined;
  }

  #begin(position: number, weights: TouchedWeights): SnapshotLink {
    weights.resetTouched();
    this.#full = position;
    this.#delta = undefined;
    this.#known.clear();
    return { kind: 'full', basePosition: position, indices: null };
  }
}
