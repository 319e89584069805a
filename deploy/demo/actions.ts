import type { Flight } from './flights.ts';

/** What happens next in event time: a flight departs, or one lands. */
export interface Action {
  readonly atMs: number;
  readonly kind: 'departs' | 'lands';
  readonly flight: Flight;
}

/** Returns departures and landings of flights in the order of their event time; a departure comes before a landing. */
export function actionsOf(flights: readonly Flight[]): Action[] {
  const actions = flights.flatMap((flight): Action[] => [
    { atMs: flight.departureMs, kind: 'departs', flight },
    { atMs: flight.landingMs, kind: 'lands', flight },
  ]);
  return actions.sort((a, b) => a.atMs - b.atMs || a.kind.localeCompare(b.kind));
}
