import type { ModelVersionEventKind, TrafficPlan } from '../../../../shared/domain/events.ts';
import type { RolloutBody } from '../../../../shared/domain/model-directory.ts';
import type { VerdictEvidence, VerdictValue } from '../../../../shared/domain/rollout.ts';
import type { Refusal } from '../refusal.ts';

/** What an operator asks of a model's rollout. */
export type RolloutCommand =
  | { readonly kind: 'start'; readonly version: number }
  | { readonly kind: 'promote'; readonly to: 'next' | 'full' }
  | { readonly kind: 'pause' | 'resume' | 'abort' | 'rollback' | 'undo' | 'close' }
  | { readonly kind: 'extend'; readonly byMs: number };

/** A verdict as the registry has heard it. */
export interface HeardVerdict {
  readonly rolloutId: string;
  readonly stage: number;
  readonly planVersion: number;
  readonly candidate: number;
  readonly value: VerdictValue;
  readonly evidence: VerdictEvidence;
  /** By the registry's clock, ms. */
  readonly heardAtMs: number;
}

/** Everything that can move a rollout. */
export type RolloutSignal =
  | { readonly kind: 'command'; readonly command: RolloutCommand; readonly why: string }
  | { readonly kind: 'verdict'; readonly verdict: HeardVerdict }
  /** All live routers have the plan of a stage, and its candidate is ready on each. */
  | { readonly kind: 'applied'; readonly stage: number }
  /** A version does not work where it should: on a live router, or in the learner. */
  | {
      readonly kind: 'alarm';
      readonly from: 'router' | 'learner';
      readonly version: number;
      readonly because: string;
    }
  | { readonly kind: 'time' };

/** What a decision about a rollout knows besides the log. */
export interface RolloutContext {
  readonly nowMs: number;
  /** Number that the next event of the log gets. */
  readonly sequence: number;
  /** Next offset of training-events.v1. */
  readonly position: number;
  /** The newest verdict on this model; null when none was heard. */
  readonly newest: HeardVerdict | null;
  /** When the monitor was heard last about this model, or this registry began to listen, ms. */
  readonly heardAtMs: number;
  /** How often a version was tried so far. */
  readonly triesOf: (version: number) => number;
}

/** What a signal adds to the log. */
export interface RolloutMove {
  readonly kind: Extract<ModelVersionEventKind, `Rollout${string}`>;
  readonly version: number;
  readonly body: RolloutBody;
  readonly plan: TrafficPlan;
}

/** Why a signal moves nothing, as a closed set for the metrics. */
export type IgnoredReason =
  | 'no-rollout'
  | 'ended'
  | 'other-rollout'
  | 'other-stage'
  | 'older-plan'
  | 'other-version'
  | 'no-traffic'
  | 'known'
  | 'not-yet';

/** What became of a signal. */
export type RolloutOutcome =
  | { readonly kind: 'moved'; readonly moves: readonly RolloutMove[] }
  | { readonly kind: 'already' }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'refused'; readonly refusal: Refusal };
