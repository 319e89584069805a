import type { BirthMode, TrafficTarget } from '../../../shared/domain/events.ts';
import type { LearnerConfig, ModelSpec } from '../../../shared/domain/model-spec.ts';
import type { PublishedModel } from '../../../shared/domain/published-model.ts';
import type { RolloutContext, RolloutSignal } from './rollout/signals.ts';

/** What an operator, or a learner's snapshot, asks the registry to record. */
export type Command =
  | { readonly kind: 'create-model'; readonly model: string; readonly spec: ModelSpec }
  | {
      readonly kind: 'register-version';
      readonly model: string;
      readonly mode: BirthMode;
      /** Version to copy; undefined means the stable one. */
      readonly parent: number | undefined;
      readonly learner: LearnerConfig;
      /** End of the model's log when the command came; for `history` and `milestone` where the past begins. */
      readonly startPosition: number;
    }
  | {
      readonly kind: 'publish-version';
      readonly model: string;
      /** A file that was checked and is on artefacts.v1. */
      readonly published: PublishedModel;
      /** End of the model's log when the command came. */
      readonly position: number;
    }
  | {
      readonly kind: 'register-twin';
      readonly model: string;
      /** Version to copy twice; undefined means the stable one. */
      readonly parent: number | undefined;
      /** Settings of the candidate. */
      readonly learner: LearnerConfig;
      readonly startPosition: number;
    }
  | { readonly kind: 'approve-version'; readonly model: string; readonly version: number }
  | { readonly kind: 'retire-version'; readonly model: string; readonly version: number }
  | { readonly kind: 'resume-version'; readonly model: string; readonly version: number }
  | { readonly kind: 'request-milestone'; readonly model: string }
  | { readonly kind: 'reposition-shard'; readonly model: string; readonly position: number }
  | {
      readonly kind: 'record-birth';
      readonly model: string;
      readonly version: number;
      readonly position: number;
    }
  | {
      readonly kind: 'rollout';
      readonly model: string;
      readonly signal: RolloutSignal;
      /** What was heard that is not in the log. */
      readonly heard: Pick<RolloutContext, 'position' | 'newest' | 'heardAtMs'>;
    }
  | {
      readonly kind: 'set-traffic';
      readonly model: string;
      readonly wanted: WantedTraffic;
      readonly ifPlanVersion: number;
    };

/** The traffic an operator wants; what is left out keeps or takes its default. */
export interface WantedTraffic {
  readonly stable: number | null;
  readonly candidate: number | null;
  /** Basis points, 0 … 10,000. */
  readonly candidateWeightBp: number;
  /** Undefined means every live version that is neither stable nor candidate. */
  readonly shadows: readonly number[] | undefined;
  /** Undefined keeps the salt of the same candidate, and makes a new one for another. */
  readonly salt: string | undefined;
  /** Undefined keeps those of the plan before. */
  readonly targets?: readonly TrafficTarget[] | undefined;
}
