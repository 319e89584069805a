import type { ModelVersionEventKind, TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelVersionBodies } from '../../../shared/domain/model-directory.ts';
import type { Refusal } from './refusal.ts';
import type { IgnoredReason } from './rollout/signals.ts';

/** What a command adds to the log, before it has a number, a time and a hash. */
export interface EventDraft {
  readonly model: string;
  readonly kind: ModelVersionEventKind;
  readonly version: number | null;
  readonly body: ModelVersionBodies[ModelVersionEventKind];
  readonly plan: TrafficPlan;
}

/** What the registry decided: events of one transaction, nothing to do because it is so already, or why not. */
export type Decision =
  | { readonly kind: 'append'; readonly events: readonly EventDraft[] }
  | { readonly kind: 'already' }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** Returns a refusal as a decision. */
export function refused(kind: Refusal['kind'], message: string): Decision {
  return { kind: 'refused', refusal: { kind, message } };
}

/** What a decision depends on besides the log's content. */
export interface Moment {
  readonly nowMs: number;
  /** Number that the next event of the log gets. */
  readonly sequence: number;
  /** How often a version of the model was tried in a rollout so far. */
  readonly triesOf: (version: number) => number;
}
