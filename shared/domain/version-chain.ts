import type { ModelVersionEvent } from './events.ts';
import { targetsOf } from './traffic-target.ts';

/** What the first event of the log names as the hash before it. */
export const GENESIS_HASH = '0'.repeat(64);

/** Returns the text whose SHA-256 is the event's hash: every other field in a fixed order, as JSON. */
export function canonicalEvent(event: Omit<ModelVersionEvent, 'hash'>): string {
  const { plan } = event;
  const targets = targetsOf(plan).map(({ arm, subjects, feature, values }) => [
    arm,
    subjects,
    feature,
    values,
  ]);
  return JSON.stringify([
    event.previousHash,
    event.sequence,
    event.eventId,
    event.atMs,
    event.actor,
    event.reason,
    event.model,
    event.kind,
    event.version,
    event.body,
    [
      plan.model,
      plan.planVersion,
      plan.stable,
      plan.candidate,
      plan.candidateWeightBp,
      plan.shadows,
      plan.salt,
      ...(targets.length === 0 ? [] : [targets]), // events from before there were targets keep their hash
    ],
  ]);
}

/** Where a chain of events ends. */
export interface ChainEnd {
  readonly sequence: number;
  readonly hash: string;
}

/** Returns why an event does not continue the chain, or undefined when it does. */
export function chainFault(
  end: ChainEnd,
  event: ModelVersionEvent,
  sha256: (text: string) => string,
): string | undefined {
  const named = `event ${String(event.sequence)}`;
  if (event.sequence !== end.sequence + 1) return `${named} follows event ${String(end.sequence)}`;
  if (event.previousHash !== end.hash) return `${named} names another predecessor`;
  if (sha256(canonicalEvent(event)) !== event.hash) return `${named} was changed after it was written`;
  return undefined;
}
