import type { Fence } from './screening.ts';

/** A version's score of an event before it learned that event. */
export interface VersionScore {
  readonly version: number;
  readonly score: number;
}

/** Something that one version did not do, and why. */
export interface VersionReason {
  readonly version: number;
  readonly reason: string;
}

/** A version that did not learn an event, what the event was past, and why in words. */
export interface VersionScreened extends VersionReason {
  readonly fence: Fence;
}

/** What an event did to the shard. Valid until the next `apply`. */
export interface ApplyOutcome {
  /** The id repeats a recent one: nothing was scored or learned. */
  readonly isDuplicate: boolean;
  /** One entry for each version that is not halted, ascending. */
  readonly scores: readonly VersionScore[];
  /** Versions that scored the event and did not learn it. */
  readonly screened: readonly VersionScreened[];
  /** Versions that threw on this event and learn no more. */
  readonly halted: readonly VersionReason[];
}
