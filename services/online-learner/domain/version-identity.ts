import type { BirthMode } from '../../../shared/domain/events.ts';
import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';

/** Where a version's learning began. */
export interface Birth {
  /** Offset of the first record that it learned in lockstep with the others, or would have. */
  readonly position: number;
  /**
   * `cold`: from nothing; `copy`: with all that its parent had learned; `history`: from nothing, having learned the past
   * from `startPosition` on; `milestone`: the same with what its parent had learned at a milestone.
   */
  readonly mode: BirthMode;
  /** The version copied; absent after a start from nothing. */
  readonly parent?: number;
  /** Where the past that it learned begins; absent when it learned none. */
  readonly startPosition?: number;
}

/** What never changes about a version. */
export interface VersionIdentity {
  readonly version: number;
  readonly config: LearnerConfig;
  readonly born: Birth;
}
