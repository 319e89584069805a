import { readFlights } from '../../../deploy/demo/flights.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import { limits99 } from '../verdicts/clopper-pearson.ts';
import { LIVE_FLIGHTS, runFlightRollout, WARM_FLIGHTS } from './flight-rollout.ts';
import type { PolicyKind, PolicyRun } from './flight-rollout.ts';

const ALPHA = 0.05;
/** From so many rollouts of a kind on the upper limit is held against alpha; below only the lower one. */
const FULL_SIZE = 1000;
const FLIGHTS = 300_000;
/** One flight in so many: with all of them a label window would be thousands of examples long, and every stage takes one. */
const THINNED = 5;
const TAKEN = THINNED * (WARM_FLIGHTS + LIVE_FLIGHTS);
const KINDS: readonly PolicyKind[] = ['equal', 'apart', 'better', 'worse', 'wild'];
const WORSE: readonly PolicyKind[] = ['worse', 'wild'];

interface KindResult {
  readonly kind: PolicyKind;
  readonly rollouts: number;
  readonly promoted: number;
  readonly rolledBack: number;
  readonly undecided: number;
  /** The wrong end for this kind: a worse candidate promoted, an equal or better one rolled back. */
  readonly wrong: number;
  readonly lower99: number;
  readonly upper99: number;
  readonly medianFlights: number;
  /** Least and greatest mean difference of the loss of a rollout, nats. */
  readonly differences: readonly [number, number];
  readonly wrongBecause: readonly string[];
  /** What undecided rollouts waited for when the flights ran out: the first words, counted. */
  readonly undecidedBecause: Readonly<Record<string, number>>;
}

function countedWords(runs: readonly PolicyRun[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { because } of runs) {
    const words = because.replace(/[-−+]?[0-9.]+.*$/, '').trim();
    counts[words] = (counts[words] ?? 0) + 1;
  }
  return counts;
}

function resultOf(kind: PolicyKind, runs: readonly PolicyRun[]): KindResult {
  const promoted = runs.filter(({ phase }) => phase === 'full');
  const rolledBack = runs.filter(({ phase }) => phase === 'rolledBack');
  const undecided = runs.filter(({ phase }) => phase !== 'full' && phase !== 'rolledBack');
  const wrong = WORSE.includes(kind) ? promoted : rolledBack;
  const flights = runs.map((run) => run.flights).sort((a, b) => a - b);
  const differences = runs.map(({ meanDifference }) => meanDifference);
  return {
    kind,
    rollouts: runs.length,
    promoted: promoted.length,
    rolledBack: rolledBack.length,
    undecided: undecided.length,
    wrong: wrong.length,
    ...limits99(wrong.length, runs.length),
    medianFlights: quantile(flights, 0.5),
    differences: [Math.min(...differences), Math.max(...differences)],
    wrongBecause: wrong.map(({ because }) => because),
    undecidedBecause: countedWords(undecided),
  };
}

/** What is `apart` is told and not held against alpha: its differences, given the past, are above the margin at times. */
function faultOf({ kind, rollouts, wrong, lower99, upper99 }: KindResult): string | undefined {
  if (kind === 'apart') return undefined;
  const what = WORSE.includes(kind) ? 'promoted' : 'rolled back';
  const of = `${kind}: ${String(wrong)} of ${String(rollouts)} ${what}`;
  if (lower99 > ALPHA) return `${of}, lower limit ${lower99.toFixed(4)} above alpha ${String(ALPHA)}`;
  if (rollouts >= FULL_SIZE && upper99 > ALPHA)
    return `${of}, upper limit ${upper99.toFixed(4)} above alpha ${String(ALPHA)}`;
  return undefined;
}

function wordsOf(one: KindResult): string {
  const { kind, rollouts, promoted, rolledBack, undecided, upper99, medianFlights, differences } = one;
  const [least, most] = differences.map((nats) => nats.toFixed(4));
  const ends = `${String(promoted)} promoted, ${String(rolledBack)} rolled back, ${String(undecided)} undecided`;
  const limit = `wrongly at most ${(100 * upper99).toFixed(2)} %`;
  return `${kind}: ${String(rollouts)} rollouts, ${ends}; ${limit}; median ${String(medianFlights)} flights, loss ${String(least)} … ${String(most)} nats`;
}

/** Whole rollouts on real flights in one process: learners, evidence, machine and assignment as the services have them. */
export const program = defineProgram({
  about: 'false promotions and false rollbacks of whole rollouts on real flights, without sockets',
  options: {
    rollouts: { default: FULL_SIZE, min: 3, max: 100_000, help: 'rollouts of each kind of candidate' },
    seed: { default: 1, min: 0, max: 2 ** 31 - 1, help: 'seed of learners and of where each rollout begins' },
  },
  async run({ rollouts, seed }, say) {
    const flights = await readFlights(FLIGHTS);
    const kinds: KindResult[] = [];
    for (const kind of KINDS) {
      const runs: PolicyRun[] = [];
      const rng = createRng(seed);
      for (let run = 0; run < rollouts; run += 1) {
        const from = rng.int(FLIGHTS - TAKEN);
        const some = flights.slice(from, from + TAKEN).filter((_, index) => index % THINNED === 0);
        runs.push(await runFlightRollout(some, kind, seed * 0x10000 + run));
        if (run % 50 === 49) say(`${kind}: ${String(run + 1)} rollouts`);
      }
      kinds.push(resultOf(kind, runs));
    }
    const wrongOf = (of: readonly PolicyKind[]): object => {
      const ones = kinds.filter(({ kind }) => of.includes(kind));
      const count = ones.reduce((sum, { wrong }) => sum + wrong, 0);
      const all = ones.reduce((sum, one) => sum + one.rollouts, 0);
      return { count, rollouts: all, alpha: ALPHA, ...limits99(count, all) };
    };
    return {
      json: {
        falsePromotions: wrongOf(WORSE),
        falseRollbacks: wrongOf(['equal', 'better']),
        kinds,
      },
      summary: kinds.map(wordsOf),
      faults: kinds.map(faultOf).filter((fault) => fault !== undefined),
    };
  },
});
