/** What a checkpoint keeps beside the state: it is not a function of the log and so not part of the state's digest. */
export interface KeptBeside {
  /** Latest event time learned, ms; null before the first. */
  readonly learnedToMs: number | null;
  readonly eventsSinceMilestone: number;
  /** Sequence of the newest command to keep a milestone that was carried out. */
  readonly milestoneSequence: number;
  /** Sequence of the newest command to go on at another position that was carried out, or came too late. */
  readonly repositionSequence: number;
  readonly milestones: readonly {
    readonly position: number;
    readonly reason: 'births' | 'events' | 'command';
    readonly chunkCount: number;
    readonly createdAtMs: number;
  }[];
}

/** What a shard without a checkpoint begins with. */
export const NOTHING_BESIDE: KeptBeside = {
  learnedToMs: null,
  eventsSinceMilestone: 0,
  milestoneSequence: 0,
  repositionSequence: 0,
  milestones: [],
};

/** Returns what a checkpoint kept beside the state; what software before this one did not know has its default. */
export function keptBeside(meta: unknown): KeptBeside {
  return { ...NOTHING_BESIDE, ...(meta as Partial<KeptBeside>) };
}

/** Returns what is kept after a record of which so many events were learned, up to an event time. */
export function besideAfter(beside: KeptBeside, learned: number, learnedToMs: number | null): KeptBeside {
  const latest = learnedToMs === null ? beside.learnedToMs : Math.max(beside.learnedToMs ?? 0, learnedToMs);
  const eventsSinceMilestone = beside.eventsSinceMilestone + learned;
  return { ...beside, learnedToMs: latest, eventsSinceMilestone };
}
