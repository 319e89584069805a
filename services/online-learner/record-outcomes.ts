import type { ApplyObserver, RefusedEvent } from './domain/applied-records.ts';
import type { GoldenRows } from './domain/golden-rows.ts';
import type { Outcome, OutRecord } from './ports.ts';
import type { ScoresGatherer } from './scores-gatherer.ts';

/** What becomes of most records. */
const HANDLED: Outcome<OutRecord> = { kind: 'handled', emit: [], refused: [] };

/** What becomes of a record below the learner's position. */
export const ALREADY_LEARNED: Outcome<OutRecord> = { kind: 'skipped', reason: 'already-learned' };

/** Adds what became of so many records, of whose events some were refused. */
export function addOutcomes(
  outcomes: Outcome<OutRecord>[],
  count: number,
  refused: readonly RefusedEvent[],
): void {
  const first = outcomes.length;
  for (let record = 0; record < count; record++) outcomes.push(HANDLED);
  for (const { record, refusal } of refused) {
    const one = outcomes[first + record];
    const before = one?.kind === 'handled' ? (one.refused ?? []) : [];
    outcomes[first + record] = { kind: 'handled', emit: [], refused: [...before, refusal] };
  }
}

/** Returns what gathers the scores of records as they are applied, and the rows that readers check themselves with. */
export function applyObserver({
  scores,
  golden,
  liveVersions,
}: {
  readonly scores: ScoresGatherer;
  readonly golden: GoldenRows;
  readonly liveVersions: () => readonly number[];
}): ApplyObserver {
  return {
    begun: () => {
      scores.begin(liveVersions());
    },
    ended: ({ value, source }) => {
      scores.end(value, source.offset);
    },
    scored: (example) => {
      scores.add(example);
    },
    learned: (values) => {
      golden.learned(values);
    },
  };
}
