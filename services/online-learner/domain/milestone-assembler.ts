import type { Milestone } from '../../../shared/domain/events.ts';

/** How many of the newest milestones are put together: more than one, should the newest be damaged. */
const CANDIDATES_MAX = 3;

/** A milestone of which every piece was found. */
export interface AssembledMilestone {
  readonly position: number;
  readonly manifest: string;
  /** Pieces of each section in order. */
  readonly sections: ReadonlyMap<string, readonly Uint8Array[]>;
}

/** Puts the milestones of one shard together from the records of a partition, read from its start. */
export class MilestoneAssembler {
  readonly #prefix: string;
  readonly #atMost: number;
  readonly #found = new Map<number, Map<number, Milestone>>();

  /**
   * @param shardKey `<model>#<shard>`
   * @param atMost milestones at later positions are passed over
   */
  constructor(shardKey: string, atMost: number) {
    this.#prefix = `${shardKey}/`;
    this.#atMost = atMost;
  }

  /** Returns whether a record with this key matters. */
  wants(key: string): boolean {
    return key.startsWith(this.#prefix);
  }

  /** Takes a record; null is a tombstone. */
  take(key: string, piece: Milestone | null): void {
    const [position = NaN, chunk = NaN] = key.slice(this.#prefix.length).split('/').map(Number);
    if (!(position <= this.#atMost)) return;
    const pieces = this.#found.get(position) ?? new Map<number, Milestone>();
    if (piece === null) pieces.delete(chunk);
    else pieces.set(chunk, piece);
    if (pieces.size === 0) this.#found.delete(position);
    else this.#found.set(position, pieces);
    this.#forgetOldest();
  }

  /** Returns the complete milestones, newest first, at most three. */
  complete(): readonly AssembledMilestone[] {
    return [...this.#found]
      .filter(([, pieces]) => isComplete(pieces))
      .sort(([a], [b]) => b - a)
      .map(([position, pieces]) => {
        const sections = new Map<string, Uint8Array[]>();
        const ordered = [...pieces.values()].sort((a, b) => a.chunkIndex - b.chunkIndex);
        for (const { section, bytes } of ordered)
          sections.set(section, [...(sections.get(section) ?? []), bytes]);
        return { position, manifest: ordered[0]?.manifest ?? '', sections };
      });
  }

  #forgetOldest(): void {
    const complete = [...this.#found]
      .filter(([, pieces]) => isComplete(pieces))
      .map(([position]) => position);
    if (complete.length <= CANDIDATES_MAX) return;
    const oldest = Math.min(...complete);
    this.#found.delete(oldest);
  }
}

/**
 * A milestone may have been written twice at one position, and the second time not to its end: the state and so the pieces
 * are the same. Whoever unpacks them checks their digests.
 */
function isComplete(pieces: ReadonlyMap<number, Milestone>): boolean {
  const first = pieces.get(0);
  if (first === undefined) return false;
  for (let chunk = 0; chunk < first.chunkCount; chunk += 1) {
    if (pieces.get(chunk)?.chunkCount !== first.chunkCount) return false;
  }
  return true;
}
