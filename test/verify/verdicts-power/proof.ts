import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import { POLICY_ROWS } from './policy-rows.ts';
import { REFERENCE } from './reference.ts';
import { RULE_ROWS } from './rule-rows.ts';
import type { PowerRow } from './rule-rows.ts';

/** How much longer than the reference a row may take, a factor. */
const ALLOWED = 1.3;

/** How long a decision took, held against the reference. */
export interface PowerResult {
  readonly name: string;
  readonly runs: number;
  /** Runs that decided, and the right way. */
  readonly decided: number;
  readonly median: number;
  readonly p90: number;
  readonly reference: number;
  readonly from: 'method' | 'program';
  readonly ratio: number;
}

function resultOf({ name, run }: PowerRow, runs: number): PowerResult {
  const taken = Array.from({ length: runs }, (_, index) => run(1 + index)).sort((a, b) => a - b);
  const { median: reference, from } = REFERENCE[name] ?? { median: 0, from: 'program' };
  const median = quantile(taken, 0.5);
  return {
    name,
    runs,
    decided: taken.filter(Number.isFinite).length,
    median,
    p90: quantile(taken, 0.9),
    reference,
    from,
    ratio: median / reference,
  };
}

/** How many examples each decision takes. */
export const program = defineProgram({
  about:
    'examples to each decision, held against the tables: known regressions, better and learning candidates',
  options: { runs: { default: 301, min: 5, max: 10_000, help: 'seeded runs of each row' } },
  run: ({ runs }, say) => {
    const rows: PowerResult[] = [];
    for (const row of [...RULE_ROWS, ...POLICY_ROWS]) {
      const result = resultOf(row, runs);
      rows.push(result);
      const { name, median, p90, decided, reference } = result;
      say(
        `${name}: median ${String(median)}, p90 ${String(p90)}, table ${String(reference)}, decided ${String(decided)} of ${String(runs)}`,
      );
    }
    const faults = rows
      .filter(({ ratio }) => !(ratio <= ALLOWED))
      .map(
        ({ name, median, reference }) =>
          `${name}: median ${String(median)}, allowed 1.3 × ${String(reference)}`,
      );
    const worst = rows.reduce((most, { ratio }) => Math.max(most, ratio), 0);
    const summary = [
      `${String(rows.length)} rows of ${String(runs)} runs`,
      `largest ratio ${worst.toFixed(2)}`,
    ];
    return Promise.resolve({ json: { allowedRatio: ALLOWED, rows }, summary, faults });
  },
});
