import { readFileSync } from 'node:fs';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import { rolloutClient } from '../../support/rollouts.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { askRouters } from './clients.ts';
import type { Answered } from './clients.ts';
import { firstFailureFaults, measureFirstFailure } from './first-failure.ts';

const MODEL = 'rollback';
const CANDIDATE = 2;
const P99_LIMIT_MS = 20;
const LIMITS = { limitMs: 10_000, everyMs: 5 };

/** Returns when the registry said that an event was in the log, ms since the Unix epoch, by its own log. */
function recordedAtMs(system: StartedSystem, stage: number): number {
  const lines = readFileSync(system.fleet.one('registry').logFile, 'utf8').trim().split('\n');
  const recorded = lines
    .map((line) => JSON.parse(line) as { msg?: string; kind?: string; time: string })
    .filter(({ msg, kind }) => msg === 'recorded' && kind === 'RolloutRolledBack');
  const last = recorded.at(-1);
  if (last === undefined) throw new Error(`no rollback of stage ${String(stage)} in the registry’s log`);
  return Date.parse(last.time);
}

/** What one rollback took, ms. */
interface Round {
  /** From when the registry knew that the decision is in the log. */
  readonly sinceRecordedMs: number;
  /** From when it decided, before it wrote anything. */
  readonly sinceDecidedMs: number;
  readonly answers: number;
}

/** Returns quantiles of some times, and the times themselves. */
function figuresOf(rounds: readonly number[]): {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
  rounds: number[];
} {
  const rounded = rounds.map((ms) => Math.round(ms * 10) / 10);
  const sorted = rounded.toSorted((a, b) => a - b);
  const [p50Ms, p99Ms, maxMs] = [0.5, 0.99, 1].map((share) => quantile(sorted, share));
  return { p50Ms: p50Ms ?? 0, p99Ms: p99Ms ?? 0, maxMs: maxMs ?? 0, rounds: rounded };
}

/** One rollback under traffic: everybody is answered by the candidate, and then nobody. */
async function rollBackOnce(system: StartedSystem, everyMs: number): Promise<Round> {
  const rollout = rolloutClient(system, MODEL);
  await rollout.start(CANDIDATE);
  const { rollout: live } = await rollout.command('promote', { to: 'next' });
  const clients = askRouters(system, MODEL, everyMs);
  let decidedMs = 0;
  const newest = (): Answered[] =>
    clients.routers.map(({ answers }) => answers.at(-1) ?? { atMs: 0, version: 0 });
  const untilAll = (isThere: (version: number) => boolean, what: string): Promise<void> =>
    waitUntil(
      () => {
        const wrong = newest().filter(({ version }) => !isThere(version));
        if (wrong.length > 0) throw new Error(`${String(wrong.length)} routers do not`);
      },
      { what, ...LIMITS },
    );
  try {
    await untilAll((version) => version === CANDIDATE, 'every router to answer by the candidate');
    const { rollout: ended } = await rollout.command('rollback');
    decidedMs = ended.stageBeganAtMs;
    await untilAll((version) => version !== CANDIDATE, 'no router to answer by the candidate');
  } finally {
    await clients.stop();
  }
  const all = clients.routers.flatMap(({ answers }) => answers);
  const last = Math.max(...all.filter(({ version }) => version === CANDIDATE).map(({ atMs }) => atMs));
  const sinceRecordedMs = last - recordedAtMs(system, live.stage);
  return { sinceRecordedMs, sinceDecidedMs: last - decidedMs, answers: all.length };
}

/**
 * Measures how long after a rollback is in the log the last client is answered by the candidate, of any router. The way
 * from the first bad answer of a candidate that always fails to the decision comes beside it: `firstBadAnswerToDecision`.
 */
export const program = defineProgram({
  about:
    'time from a recorded rollback to the candidate’s last answer, and from a first failure to the decision',
  options: {
    rollbacks: { default: 100, min: 1, max: 10_000, help: 'rollbacks measured' },
    routers: { default: 8, min: 1, max: 32, help: 'router processes' },
    warmUps: {
      default: 50,
      min: 0,
      max: 1000,
      help: 'rollbacks before that are not counted: every process compiles what it runs for the first time',
    },
    decisions: { default: 20, min: 1, max: 1000, help: 'candidates that always fail at 1 % of the subjects' },
    everyMs: { default: 20, min: 1, max: 1000, help: 'time between two requests to one router, ms' },
  },
  async run({ rollbacks, routers, warmUps, decisions, everyMs }, say) {
    const system = await startSystem({ instances: { router: routers, ingest: 0, monitor: 0 } });
    const rounds: Round[] = [];
    try {
      await serveSmallModel(system, MODEL, {
        rollout: { triesMax: 1000, stepsBp: [10_000], leaseMs: 3_600_000 },
      });
      await system.operator(MODEL).addVersion({ mode: 'copy' });
      for (let round = -warmUps; round < rollbacks; round += 1) {
        const measured = await rollBackOnce(system, everyMs);
        if (round >= 0) rounds.push(measured);
        if (round % 20 === 19) say(`${String(round + 1)} rollbacks`);
      }
    } finally {
      await system.stop();
    }
    const failing = await measureFirstFailure(decisions, everyMs, say);
    const recorded = figuresOf(rounds.map(({ sinceRecordedMs }) => sinceRecordedMs));
    const decided = figuresOf(rounds.map(({ sinceDecidedMs }) => sinceDecidedMs));
    const answers = rounds.reduce((sum, round) => sum + round.answers, 0);
    const words = ({ p50Ms, p99Ms, maxMs }: typeof recorded): string =>
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, most ${maxMs.toFixed(1)} ms`;
    const isFast = recorded.p99Ms <= P99_LIMIT_MS;
    return {
      json: {
        rollbacks,
        routers,
        warmUps,
        everyMs,
        answers,
        limitMs: P99_LIMIT_MS,
        recordedToLastAnswer: recorded,
        decidedToLastAnswer: decided,
        firstBadAnswerToDecision: failing,
      },
      summary: [
        `${String(rollbacks)} rollbacks over ${String(routers)} routers, ${String(answers)} answers`,
        `recorded to the last answer of the candidate: ${words(recorded)}`,
        `decided to the last answer of the candidate:  ${words(decided)}`,
        `first bad answer to the decision: median ${String(failing.medianMs)} ms, most ${String(failing.mostMs)} ms; median ${String(failing.medianRequests)} requests, most ${String(failing.mostRequests)}; ${String(failing.verdicts)} by verdict, ${String(failing.alarms)} by a router’s alarm`,
      ],
      faults: [
        ...(isFast ? [] : [`p99 ${recorded.p99Ms.toFixed(1)} ms, allowed ${String(P99_LIMIT_MS)} ms`]),
        ...firstFailureFaults(failing),
      ],
    };
  },
});
