import type { ModelVersionEvent } from '../../../shared/domain/events.ts';
import { quantile } from '../../support/figures.ts';
import { judgeAnswers } from '../../support/plans-in-force.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { readHistory, walkChain } from '../history/walk.ts';
import { startKilling } from './kills.ts';
import { runLane } from './lane.ts';
import type { CandidateKind, Lane, RolloutOutcome } from './lane.ts';

/** How long after a plan was decided a router may still answer by the one before, ms: what a record needs on a busy machine. */
const GRACE_MS = 1000;
const WORDS_MAX = 10;

type Names = 'count' | 'models' | 'roundSize' | 'roundMs' | 'killEveryMs' | 'seed';

const isPromoted = ({ phase }: RolloutOutcome): boolean => phase === 'full' || phase === 'closed';
const isBack = ({ phase }: RolloutOutcome): boolean => phase === 'rolledBack';

/** Returns how many candidates of a kind ended how. */
function endsOf(outcomes: readonly RolloutOutcome[], kind: CandidateKind): Record<string, number> {
  const ofKind = outcomes.filter((one) => one.kind === kind);
  const promoted = ofKind.filter(isPromoted).length;
  const rolledBack = ofKind.filter(isBack).length;
  const took = ofKind.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
  const undecided = ofKind.length - promoted - rolledBack;
  return {
    rollouts: ofKind.length,
    promoted,
    rolledBack,
    undecided,
    medianMs: quantile(took, 0.5),
    mostMs: quantile(took, 1),
  };
}

async function eventsOf(
  system: StartedSystem,
): Promise<{ events: ModelVersionEvent[]; broken: string | null }> {
  const logged = await readHistory(system.kafka, system.stack.schemaRegistryUrl);
  const { broken } = walkChain(logged);
  return { broken, events: logged.flatMap((one) => ('event' in one ? [one.event] : [])) };
}

function resultOf(
  system: { readonly events: readonly ModelVersionEvent[]; readonly broken: string | null },
  lanes: readonly Lane[],
  outcomes: readonly RolloutOutcome[],
  killing: { readonly kills: Readonly<Record<string, number>>; readonly ended: readonly string[] },
): ProgramResult {
  const { events, broken } = system;
  const histories = lanes.map(({ traffic }) => traffic.history);
  const judged = lanes.map(({ model, traffic }) =>
    judgeAnswers(events, model, traffic.history.answers, GRACE_MS),
  );
  const sum = (of: readonly number[]): number => of.reduce((total, one) => total + one, 0);
  const requests = sum(histories.map((one) => one.requests));
  const failures = histories.flatMap(({ failed }) => failed);
  const disallowed = judged.flatMap((one) => one.disallowed);
  const kills = sum(Object.values(killing.kills));
  const falsePromotions = outcomes.filter((one) => one.kind === 'bad' && isPromoted(one));
  const falseRollbacks = outcomes.filter((one) => one.kind !== 'bad' && isBack(one));
  const undecided = outcomes.filter((one) => !isPromoted(one) && !isBack(one));
  const told = (one: RolloutOutcome): string =>
    `${one.kind} ${one.model}/${String(one.version)} is ${one.phase}: ${one.because}`;
  const json = {
    rollouts: outcomes.length,
    requests,
    failed: failures.length,
    disallowed: disallowed.length,
    falsePromotions: falsePromotions.length,
    falseRollbacks: falseRollbacks.length,
    kills,
    undecided: undecided.length,
    isChainWhole: broken === null,
    events: events.length,
    retried: sum(histories.map((one) => one.retried)),
    labels: sum(histories.map((one) => one.labels)),
    resumed: sum(outcomes.map((one) => one.resumed)),
    planLagMostMs: Math.max(0, ...judged.map(({ latestMs }) => latestMs)),
    killsByVictim: killing.kills,
    ended: killing.ended,
    kinds: {
      good: endsOf(outcomes, 'good'),
      equal: endsOf(outcomes, 'equal'),
      bad: endsOf(outcomes, 'bad'),
    },
    falseRollbacksBecause: falseRollbacks.map(told),
  };
  const faults = [
    ...failures.slice(0, WORDS_MAX).map((words) => `a request failed: ${words}`),
    ...disallowed.slice(0, WORDS_MAX),
    ...falsePromotions.map((one) => `a bad candidate was promoted: ${told(one)}`),
    ...undecided.map((one) => `not decided: ${told(one)}`),
    ...(broken === null ? [] : [`the history chain is broken at ${broken}`]),
  ];
  const kinds = Object.entries(json.kinds).map(
    ([kind, ends]) =>
      `${kind}: ${String(ends['rollouts'])} rollouts, ${String(ends['promoted'])} promoted, ${String(ends['rolledBack'])} rolled back, median ${String(ends['medianMs'])} ms, most ${String(ends['mostMs'])} ms`,
  );
  return {
    json,
    summary: [
      `${String(outcomes.length)} rollouts, ${String(requests)} requests, ${String(failures.length)} failed, ${String(disallowed.length)} answers that no plan allowed`,
      ...kinds,
      `${String(falsePromotions.length)} false promotions, ${String(falseRollbacks.length)} false rollbacks, ${String(undecided.length)} undecided`,
      `${String(kills)} kills: ${Object.entries(killing.kills)
        .map(([victim, count]) => `${victim} ${String(count)}`)
        .join(', ')}; ${String(json.retried)} requests tried a second router`,
      `a plan was gone by at most ${String(json.planLagMostMs)} ms after the next was decided; the chain of ${String(events.length)} events is ${broken ?? 'whole'}`,
      ...json.falseRollbacksBecause,
    ],
    faults,
  };
}

async function proveRollouts(options: Options<Names>, say: (line: string) => void): Promise<ProgramResult> {
  const { count, models, roundSize, roundMs, killEveryMs, seed } = options;
  const system = await startSystem({ instances: { router: 2 }, env: { STATUS_INTERVAL_MS: '500' } });
  const outcomes: RolloutOutcome[] = [];
  const every = Math.max(1, Math.floor(count / 50));
  let left = count;
  try {
    const killing = startKilling(system, { seed, everyMs: killEveryMs, say });
    const lanes = await Promise.all(
      Array.from({ length: Math.min(models, count) }, (_, index) =>
        runLane({
          system,
          model: `judged-${String(index + 1)}`,
          seed: seed + 1 + index,
          roundSize,
          roundMs,
          say,
          takeNext: () => left-- > 0,
          onOutcome: (outcome) => {
            outcomes.push(outcome);
            const { kind, phase, tookMs, because } = outcome;
            const isExpected = kind === 'bad' ? isBack(outcome) : isPromoted(outcome);
            if (!isExpected) say(`${kind} is ${phase}: ${because}`);
            if (outcomes.length % every === 0)
              say(`${String(outcomes.length)} rollouts; the newest, ${kind}, took ${String(tookMs)} ms`);
          },
        }),
      ),
    );
    await killing.stop();
    return resultOf(await eventsOf(system), lanes, outcomes, killing);
  } finally {
    await system.stop();
  }
}

/** The proof of rollouts, for the command line. */
export const program = defineProgram({
  about: 'good, bad and equal candidates under constant traffic while everything is killed in turn',
  options: {
    count: { default: 1000, min: 1, max: 100_000, help: 'rollouts' },
    models: { default: 3, min: 1, max: 16, help: 'models at a time' },
    roundSize: { default: 20, min: 1, max: 40, help: 'requests of one model under way at once' },
    roundMs: { default: 200, min: 10, max: 10_000, help: 'time between two rounds of a model, ms' },
    killEveryMs: { default: 6000, min: 500, max: 600_000, help: 'time between two kills, about, ms' },
    seed: { default: 1, min: 0, max: 2 ** 31 - 1, help: 'seed of candidates, requests and kills' },
  },
  run: proveRollouts,
});
