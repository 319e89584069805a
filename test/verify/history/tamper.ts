import type { ModelVersionEvent } from '../../../shared/domain/events.ts';
import type { LoggedEvent } from './walk.ts';

/** A copy of a history in which one thing was changed. */
export interface Forgery {
  readonly what: string;
  /** Index of the first event whose link cannot hold. */
  readonly at: number;
  readonly log: readonly LoggedEvent[];
}

const CHANGES: readonly [string, (event: ModelVersionEvent) => Partial<ModelVersionEvent>][] = [
  ['another actor', ({ actor }) => ({ actor: `${actor}!` })],
  ['another body', ({ body }) => ({ body: `${body} ` })],
  ['another weight', ({ plan }) => ({ plan: { ...plan, candidateWeightBp: plan.candidateWeightBp + 1 } })],
  ['another time', ({ atMs }) => ({ atMs: atMs + 1 })],
];

/** Returns copies of a history, each with one event changed, lost, repeated or exchanged, all over it. */
export function tampered(log: readonly LoggedEvent[]): Forgery[] {
  const step = Math.max(1, Math.floor(log.length / 50));
  const forgeries: Forgery[] = [];
  for (let at = 0; at < log.length; at += step) {
    const one = log[at];
    if (one === undefined || !('event' in one)) continue;
    const { event, offset } = one;
    for (const [what, change] of CHANGES) {
      const forged = { offset, event: { ...event, ...change(event) } };
      forgeries.push({ what, at, log: log.with(at, forged) });
    }
    const next = log[at + 1];
    if (next === undefined) continue;
    forgeries.push({ what: 'a lost event', at, log: log.toSpliced(at, 1) });
    forgeries.push({ what: 'a repeated event', at: at + 1, log: log.toSpliced(at, 0, one) });
    forgeries.push({ what: 'exchanged events', at, log: log.with(at, next).with(at + 1, one) });
  }
  return forgeries;
}
