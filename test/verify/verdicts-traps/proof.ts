import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import { limits99 } from '../verdicts/clopper-pearson.ts';
import { TRAPS } from './traps.ts';
import type { Trap } from './traps.ts';

/** How a trap ended over all attempts. */
export interface TrapResult {
  readonly name: string;
  readonly lure: string;
  readonly attempts: number;
  readonly promoted: number;
  readonly rolledBack: number;
  /** Upper 99 % limit of the rate of promotions. */
  readonly promotedUpper99: number;
  readonly medianRequests: number | null;
  readonly largestRequests: number | null;
  readonly rollbackWithin: number | null;
}

function resultOf({ name, lure, run, rollbackWithin }: Trap, attempts: number): TrapResult {
  const outcomes = Array.from({ length: attempts }, (_, index) => run(1 + index));
  const promoted = outcomes.filter(({ isPromoted }) => isPromoted).length;
  const requests = outcomes
    .map(({ requestsToRollback }) => requestsToRollback)
    .filter((count) => count !== null)
    .sort((a, b) => a - b);
  return {
    name,
    lure,
    attempts,
    promoted,
    rolledBack: requests.length,
    promotedUpper99: limits99(promoted, attempts).upper99,
    medianRequests: requests.length === 0 ? null : quantile(requests, 0.5),
    largestRequests: requests.at(-1) ?? null,
    rollbackWithin,
  };
}

function faultsOf({
  name,
  attempts,
  promoted,
  rolledBack,
  largestRequests,
  rollbackWithin,
}: TrapResult): string[] {
  const faults: string[] = [];
  if (promoted > 0) faults.push(`${name}: promoted in ${String(promoted)} of ${String(attempts)}, allowed 0`);
  if (rollbackWithin === null) return faults;
  if (rolledBack < attempts)
    faults.push(`${name}: rolled back in ${String(rolledBack)} of ${String(attempts)}`);
  if ((largestRequests ?? 0) > rollbackWithin)
    faults.push(`${name}: ${String(largestRequests)} requests, allowed ${String(rollbackWithin)}`);
  return faults;
}

/** Candidates that look good to those who count wrongly. */
export const program = defineProgram({
  about:
    'candidates that shift feedback, drop hard inputs, fail in the tail, inflate odds or turn: none gets through',
  options: { attempts: { default: 300, min: 3, max: 10_000, help: 'seeded attempts at each trap' } },
  run: ({ attempts }, say) => {
    const traps: TrapResult[] = [];
    for (const trap of TRAPS) {
      const result = resultOf(trap, attempts);
      traps.push(result);
      const { name, promoted, rolledBack, medianRequests, largestRequests } = result;
      const after = `median ${String(medianRequests)}, at most ${String(largestRequests)} requests`;
      say(
        `${name}: promoted ${String(promoted)}, rolled back ${String(rolledBack)} of ${String(attempts)}, ${after}`,
      );
    }
    const promoted = traps.reduce((sum, one) => sum + one.promoted, 0);
    const summary = [
      `${String(traps.length)} traps, ${String(attempts)} attempts each: ${String(promoted)} promoted`,
    ];
    return Promise.resolve({ json: { traps }, summary, faults: traps.flatMap(faultsOf) });
  },
});
