import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import { startCheckedTraffic } from './checked-traffic.ts';
import type { CheckedTraffic } from './checked-traffic.ts';
import { CANDIDATE, ladderOf } from './ladder.ts';
import type { Rung } from './ladder.ts';
import { watchMemory } from './memory-watch.ts';
import { routerPair } from './router-pair.ts';
import type { RouterPair } from './router-pair.ts';

const MODEL = 'ladder';
const WEIGHT_BP = 5000;
const RSS_GROWTH_MAX_MB = 50;
const ROUTER_ENV = { CACHE_INTERVAL_MS: '500', CACHE_AFTER_MS: '1500', FLUSH_TIMEOUT_MS: '500' };
/**
 * A router that was just started compiles code and fills its heap. What its memory grows from is what it has after so much of a rung's
 * time under the usual traffic, before the fault begins (or after, where the fault is that it is started).
 */
const WARM_SHARE = 0.3;

/** What one rung showed. */
interface RungResult {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly wrongVersion: number;
  readonly wrongScore: number;
  readonly shed: number;
  readonly byCandidate: number;
  readonly rssGrowthMb: number;
  /** From when what was gone is back until both routers go by Kafka and have learned one more event, and the candidate answers, ms. */
  readonly recoveredMs: number;
  readonly stalestMs: number;
}

type Counts = Omit<RungResult, 'name' | 'rssGrowthMb' | 'recoveredMs' | 'stalestMs'>;

function countsOf({ figures }: CheckedTraffic): Counts {
  const { requests, shed, byCandidate } = figures;
  const failed = figures.failed.length;
  return {
    requests,
    shed,
    byCandidate,
    failed,
    wrongVersion: figures.wrongVersion.length,
    wrongScore: figures.wrongScore.length,
  };
}

function difference(after: Counts, before: Counts): Counts {
  const of = (name: keyof Counts): number => after[name] - before[name];
  return {
    requests: of('requests'),
    shed: of('shed'),
    byCandidate: of('byCandidate'),
    failed: of('failed'),
    wrongVersion: of('wrongVersion'),
    wrongScore: of('wrongScore'),
  };
}

/** Resolves when the candidate answers its subjects again: the registry renews its plan's lease. */
function untilCandidate({ figures }: CheckedTraffic): Promise<void> {
  const before = figures.byCandidate;
  return waitUntil(
    () => {
      if (figures.byCandidate === before) throw new Error('it answers nobody');
    },
    { what: 'the candidate to answer', limitMs: 60_000, everyMs: 50 },
  );
}

async function climb(
  rung: Rung,
  {
    pair,
    traffic,
    seconds,
    isFresh,
  }: { pair: RouterPair; traffic: CheckedTraffic; seconds: number; isFresh: boolean },
): Promise<RungResult> {
  const before = countsOf(traffic);
  traffic.figures.stalestMs = 0;
  const warmMs = 1000 * seconds * WARM_SHARE;
  if (isFresh) await pause(warmMs);
  const memory = watchMemory(pair.processes);
  let recoveredMs: number;
  let rssGrowthMb: number;
  try {
    traffic.allow({ candidate: true, shed: rung.mayShed ?? false });
    await rung.begin();
    traffic.allow({ candidate: rung.candidateMayAnswer, shed: rung.mayShed ?? false });
    const holding = pause(warmMs).then(() => {
      memory.takeIn();
      return pause(1000 * seconds - warmMs);
    });
    await Promise.all([holding, rung.during?.(seconds)]);
    if (rung.env === undefined) traffic.allow({ candidate: true, shed: rung.mayShed ?? false });
    await rung.end();
    const endedMs = performance.now();
    await rung.recovered?.();
    await pair.revive();
    await pair.untilServingFrom('kafka');
    await pair.learnOne();
    if (rung.env === undefined || rung.candidateMayAnswer) await untilCandidate(traffic);
    recoveredMs = Math.round(performance.now() - endedMs);
  } finally {
    rssGrowthMb = memory.stop();
  }
  const counts = difference(countsOf(traffic), before);
  return { name: rung.name, ...counts, rssGrowthMb, recoveredMs, stalestMs: traffic.figures.stalestMs };
}

function wordsOf(result: RungResult): string {
  const { name, requests, failed, wrongVersion, wrongScore, shed, byCandidate } = result;
  const growth = `memory + ${result.rssGrowthMb.toFixed(1)} MB`;
  return `${name.padEnd(30)} ${String(requests)} requests, ${String(failed)} failed, ${String(wrongVersion)} by a wrong version, ${String(wrongScore)} wrong scores, ${String(shed)} shed, ${String(byCandidate)} by the candidate; ${growth}; recovered after ${String(result.recoveredMs)} ms`;
}

async function run(
  { seconds, rungs: rungCount, seed }: Options<'seconds' | 'rungs' | 'seed'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { router: 2, monitor: 0 }, env: ROUTER_ENV });
  const results: RungResult[] = [];
  const faults: string[] = [];
  const readyMs: number[] = [];
  let clear = (): void => undefined;
  try {
    await serveSmallModel(system, MODEL);
    const operator = system.operator(MODEL);
    await operator.addVersion({ mode: 'copy' });
    const pair = routerPair(system, MODEL);
    const ladder = ladderOf(system, pair, MODEL);
    ({ clear } = ladder);
    const wanted = { stable: 1, candidate: CANDIDATE, candidateWeightBp: WEIGHT_BP };
    const { salt } = (await operator.setTraffic(wanted)) as unknown as { salt: string };
    for (let event = 0; event < 20; event += 1) await pair.learnOne();
    const traffic = startCheckedTraffic({
      urls: pair.urls,
      model: MODEL,
      salt,
      candidateWeightBp: WEIGHT_BP,
      seed,
    });
    let env = JSON.stringify({});
    try {
      for (const rung of ladder.rungs.slice(0, rungCount)) {
        const given = rung.env ?? {};
        const next = typeof given === 'function' ? rung.name : JSON.stringify(given);
        traffic.allow({ candidate: true, shed: false });
        const isFresh = next !== env || results.length === 0;
        if (next !== env) readyMs.push(...(await pair.roll(given)));
        env = next;
        const result = await climb(rung, { pair, traffic, seconds, isFresh });
        results.push(result);
        say(wordsOf(result));
      }
    } finally {
      await traffic.stop();
      const { failed, wrongVersion, wrongScore } = traffic.figures;
      for (const [what, all] of Object.entries({
        failed,
        'wrong version': wrongVersion,
        'wrong score': wrongScore,
      }))
        if (all.length > 0)
          faults.push(`${what}, ${String(all.length)} times: ${all.slice(0, 3).join('; ')}`);
    }
    const requests = traffic.figures.requests;
    const maxRssGrowthMb = Math.max(...results.map(({ rssGrowthMb }) => rssGrowthMb));
    if (maxRssGrowthMb > RSS_GROWTH_MAX_MB)
      faults.push(
        `resident memory grew by ${maxRssGrowthMb.toFixed(1)} MB, allowed ${String(RSS_GROWTH_MAX_MB)} MB`,
      );
    const { failed, wrongVersion, wrongScore } = countsOf(traffic);
    return {
      json: { rungs: results, requests, failed, wrongVersion, wrongScore, maxRssGrowthMb, readyMs, seed },
      summary: [
        `${String(results.length)} rungs of ${String(seconds)} s, ${String(requests)} requests: ${String(failed)} failed, ${String(wrongVersion)} by a wrong version, ${String(wrongScore)} wrong scores`,
        `memory grew by ${maxRssGrowthMb.toFixed(1)} MB at most; a router was ready ${String(Math.max(0, ...readyMs))} ms after its start at most`,
      ],
      faults,
    };
  } finally {
    await system.stop();
    clear();
  }
}

export const program = defineProgram({
  about: 'two routers under traffic, everything behind and in them failing in turn: every answer checked',
  options: {
    seconds: { default: 20, min: 1, max: 3600, help: 'how long each rung lasts' },
    rungs: { default: 100, min: 1, max: 100, help: 'rungs climbed, from the first on' },
    seed: { default: 1, min: 0, max: 1_000_000, help: 'of subjects and rows' },
  },
  run,
});
