import { BettingProcess } from '../../../services/monitor/domain/betting-process.ts';
import { OutcomeGuard } from '../../../services/monitor/domain/outcome-guard.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { normal } from '../verdicts/synthetic-world.ts';

const ALPHA = 0.05;

/** One row of the tables: how long a decision takes. */
export interface PowerRow {
  readonly name: string;
  /**
   * Returns after how many examples or requests one seeded run decides; Infinity when it does not, or decides the
   * wrong way.
   */
  readonly run: (seed: number) => number;
}

function pairedRow(name: string, limit: number, difference: (rng: Rng) => number): PowerRow {
  return {
    name,
    run: (seed) => {
      const rng = createRng(seed);
      const process = new BettingProcess({ bound: 1, margin: 0 });
      for (let count = 1; count <= limit; count += 1) {
        process.take(difference(rng));
        if (process.maxLogE >= -Math.log(ALPHA)) return count;
      }
      return Infinity;
    },
  };
}

const shifted = (mean: number): PowerRow =>
  pairedRow(`mean difference ${String(mean)}`, 20_000, (rng) => mean + 0.2 * normal(rng));

const failures = (baseline: number, candidate: number): PowerRow => {
  const name = `failures ${String(100 * baseline)} to ${String(100 * candidate)} %, requests`;
  return pairedRow(name, 30_000, (rng) => Number(rng.next() < candidate) - Number(rng.next() < baseline));
};

function outcomes(baseline: number, candidate: number): PowerRow {
  return {
    name: `outcomes ${String(100 * baseline)} to ${String(100 * candidate)} % at a tenth, requests`,
    run: (seed) => {
      const rng = createRng(seed);
      const guard = new OutcomeGuard(0.1);
      for (let count = 1; count <= 20_000; count += 1) {
        const arm = rng.next() < 0.1 ? 'candidate' : 'stable';
        if (rng.next() >= (arm === 'candidate' ? candidate : baseline)) continue;
        guard.take({ arm, candidateProbability: 0.1, subjectHash: count });
        if ((guard.evidence(0, ALPHA).rollback?.maxLogE ?? 0) >= -Math.log(ALPHA)) return count;
      }
      return Infinity;
    },
  };
}

/** Each rule by itself with all of alpha. */
export const RULE_ROWS: readonly PowerRow[] = [
  ...[0.01, 0.02, 0.05, 0.1].map(shifted),
  failures(0.001, 0.05),
  failures(0.001, 0.5),
  failures(0.001, 1),
  failures(0.01, 0.02),
  outcomes(0.001, 0.05),
  outcomes(0.01, 0.05),
];
