import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';

/** Where a version's learning began. */
export interface Birth {
  /** Offset of the first record that it learned from, or would have. */
  readonly position: number;
  /** `cold`: from nothing; `copy`: with all that its parent had learned. */
  readonly mode: 'cold' | 'copy';
  /** The version copied; absent after a cold start. */
  readonly parent?: number;
}

/** What never changes about a version. */
export interface VersionIdentity {
  readonly version: number;
  readonly config: LearnerConfig;
  readonly born: Birth;
}
