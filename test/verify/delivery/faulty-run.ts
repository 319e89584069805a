import { acknowledgedOf, newHistory } from './history.ts';
import type { History } from './history.ts';
import { learnerState, serveSmallModel } from '../../support/small-model.ts';
import { replayState } from '../../support/replay.ts';
import { startClients } from './clients.ts';
import { untilDrained } from './drain.ts';
import { planFaults } from './fault-plan.ts';
import { startInjection } from './inject.ts';
import type { Injected } from './inject.ts';
import { judge } from './judge.ts';
import type { Judgement } from './judge.ts';
import type { LogWriter } from './log-writer.ts';
import { readLogs } from './read-logs.ts';
import type { World } from './world.ts';

/** What one run under faults showed. */
export interface FaultyRun {
  readonly injected: Injected;
  readonly faultCount: number;
  readonly history: History;
  readonly judgement: Judgement;
  readonly examplesLearned: number;
  readonly screened: number;
  readonly isReplayIdentical: boolean;
  readonly faultSeconds: number;
  readonly drainSeconds: number;
  readonly faults: readonly string[];
}

/** The model that clients work on under faults; its windows do not end during a run. */
export const FAULTY_MODEL = 'under-faults';
/** Its label window. */
export const FAULTY_WINDOW_MS = 3_600_000;
const PROGRESS_EVERY_MS = 5000;
/** Injecting may take so long: most faults take a second, a kill of the broker ten. */
const LIMIT_PER_FAULT_MS = 3000;
const LIMIT_BASE_MS = 120_000;
const FINISH_LIMIT_MS = 120_000;
const DRAIN_LIMIT_MS = 180_000;

function seconds(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}

/** Lets clients work while a plan of faults is carried out, lets everything drain, and judges what came of it. */
export async function runUnderFaults(
  world: World,
  writer: LogWriter,
  { seed, faults: wanted }: { readonly seed: number; readonly faults: number },
  say: (line: string) => void,
): Promise<FaultyRun> {
  const { system } = world;
  const model = FAULTY_MODEL;
  await serveSmallModel(system, model, {
    label: { windowMs: FAULTY_WINDOW_MS },
    predictionLog: 'acknowledged',
  });
  const history = newHistory();
  const clients = startClients({ world, model, windowMs: FAULTY_WINDOW_MS, history, writer, seed });
  const startMs = performance.now();
  const injection = startInjection({ world, plan: planFaults(seed, wanted), history, say });
  let isLooking = false;
  const ticker = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    const { events, labels } = acknowledgedOf(history);
    const done = `${String(injection.count())} of ${String(wanted)} faults`;
    const counts = `${String(events)} events and ${String(labels)} labels acknowledged, ${String(history.retries)} retries`;
    void learnerState(system, model)
      .then(({ versions }) => `${String(versions[0]?.examplesLearned ?? 0)} learned`)
      .catch(() => 'the learner does not say')
      .then((learned) => {
        say(`${done}; ${counts}; ${learned}`);
        isLooking = false;
      });
  }, PROGRESS_EVERY_MS);
  try {
    await injection.done(LIMIT_BASE_MS + wanted * LIMIT_PER_FAULT_MS);
    const faultSeconds = seconds(startMs);
    say('no more faults: what is under way is finished, then everything drains');
    const drainMs = performance.now();
    const isFinished = await clients.finish(FINISH_LIMIT_MS);
    for (const process of system.fleet.all) await process.untilReady();
    const state = await untilDrained(system, model, DRAIN_LIMIT_MS);
    const drainSeconds = seconds(drainMs);
    say('drained: reading the logs, and learning everything again from them');
    const judgement = judge(history, await readLogs(system, model), FAULTY_WINDOW_MS);
    const again = await replayState(system.stack, model, state.position);
    const [version] = state.versions;
    const examplesLearned = version?.examplesLearned ?? 0;
    const screened = version?.screened ?? 0;
    const isReplayIdentical = again.digest === state.stateDigest;
    const count = injection.count();
    const faults = [
      ...judgement.faults,
      ...(isFinished ? [] : ['clients were not acknowledged everything in time after the faults']),
      ...(count === wanted ? [] : [`${String(count)} of ${String(wanted)} faults were injected in time`]),
      ...history.refused.slice(0, 5).map((words) => `ingest refused what was sound: ${words}`),
      ...(examplesLearned === judgement.examplesExpected
        ? []
        : [
            `the learner has learned ${String(examplesLearned)} examples, the log makes ${String(judgement.examplesExpected)}`,
          ]),
      ...(screened === 0 ? [] : [`${String(screened)} examples were screened`]),
      ...(isReplayIdentical ? [] : ['the state differs from the one learned again from the log']),
    ];
    return {
      injected: injection.injected,
      faultCount: count,
      history,
      judgement,
      examplesLearned,
      screened,
      isReplayIdentical,
      faultSeconds,
      drainSeconds,
      faults,
    };
  } finally {
    clearInterval(ticker);
  }
}
