import { setTimeout as pause } from 'node:timers/promises';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { cpuSecondsOf } from '../../support/process-cpu.ts';
import { serveSmallModel } from '../../support/small-model.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';

const EVENTS_PER_REQUEST = 10;
const BETWEEN_SENTINELS_MS = 60;
/** Sentinels that are not counted: a broker and five processes compile what they run for the first time. */
const WARM_UP_SENTINELS = 100;
/** A sentinel's label counts so much that its own category moves the score by more than this. */
const SENTINEL_WEIGHT = 100;
const FLIP = 0.05;
const FLIP_LIMIT_MS = 10_000;
const GOALS = { p50Ms: 10, p99Ms: 50 };

/** What one size of table showed. */
interface Round {
  readonly tableBits: number;
  readonly eventsPerSecond: number;
  readonly sentinels: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly delaysMs: readonly number[];
  readonly cpuShares: Readonly<Record<string, number>>;
}

function backgroundEvent(rng: Rng, id: string): object {
  const colour = `colour-${String(rng.int(500))}`;
  const size = rng.int(100);
  return {
    id,
    subject: `subject-${String(rng.int(1000))}`,
    features: { colour, size, isNew: rng.int(2) === 1 },
    label: rng.next() < 0.3 + 0.004 * size ? 1 : 0,
  };
}

/** Sends events at a steady rate until it is stopped; returns how many were acknowledged. */
function startLoad(system: StartedSystem, model: string, rate: number, rng: Rng): () => Promise<number> {
  const url = `${system.url('ingest')}/v1/models/${model}/events`;
  const startMs = performance.now();
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let acknowledged = 0;
  let isStopped = false;
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1000) * rate;
    while (!isStopped && sent + EVENTS_PER_REQUEST <= due && underWay.size < 64) {
      const from = sent;
      sent += EVENTS_PER_REQUEST;
      const events = Array.from({ length: EVENTS_PER_REQUEST }, (_, at) =>
        backgroundEvent(rng, `${model}-${String(from + at)}`),
      );
      const request = system.http
        .send('POST', url, events)
        .then(({ status }) => {
          if (status === 202) acknowledged += EVENTS_PER_REQUEST;
        })
        .catch(() => undefined)
        .finally(() => underWay.delete(request));
      underWay.add(request);
    }
  }, 2);
  return async () => {
    isStopped = true;
    clearInterval(timer);
    await Promise.all(underWay);
    return acknowledged;
  };
}

async function scoreOf(system: StartedSystem, model: string, colour: string): Promise<number> {
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('router')}/v1/models/${model}/predict`,
    {
      subject: 'sentinel',
      features: { colour },
    },
  );
  if (status !== 200) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
  return (body as { score: number }).score;
}

/** Returns the time from a sentinel's acknowledgement to the first answer that has learned it, ms. */
async function sentinelDelay(system: StartedSystem, model: string, colour: string): Promise<number> {
  const before = await scoreOf(system, model, colour);
  const label = before < 0.5 ? 1 : 0;
  const event = {
    id: `${model}-${colour}`,
    subject: 'sentinel',
    features: { colour },
    label,
    weight: SENTINEL_WEIGHT,
  };
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/${model}/events`,
    event,
  );
  if (status !== 202) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
  const acknowledgedMs = performance.now();
  for (;;) {
    const moved = (await scoreOf(system, model, colour)) - before;
    const tookMs = performance.now() - acknowledgedMs;
    if (label === 1 ? moved > FLIP : moved < -FLIP) return tookMs;
    if (tookMs > FLIP_LIMIT_MS)
      throw new Error(`${colour} was not learned within ${String(FLIP_LIMIT_MS)} ms`);
  }
}

async function measure(
  system: StartedSystem,
  { tableBits, rate, sentinels }: { tableBits: number; rate: number; sentinels: number },
  say: (line: string) => void,
): Promise<Round> {
  const model = `fresh-${String(tableBits)}`;
  await serveSmallModel(system, model, { learner: { tableBits, alpha: 0.5 } });
  const stop = startLoad(system, model, rate, createRng(tableBits));
  await pause(3000); // full batches
  const beganMs = performance.now();
  for (let index = 0; index < WARM_UP_SENTINELS; index += 1) {
    await sentinelDelay(system, model, `warm-up-${String(index)}`);
    await pause(BETWEEN_SENTINELS_MS);
  }
  say(`2^${String(tableBits)} weights: ${String(WARM_UP_SENTINELS)} sentinels to warm up, not counted`);
  const startMs = performance.now();
  const cpuBefore = new Map(system.fleet.all.map(({ name, pid }) => [name, cpuSecondsOf(pid() ?? 0)]));
  const delaysMs: number[] = [];
  for (let index = 0; index < sentinels; index += 1) {
    delaysMs.push(await sentinelDelay(system, model, `sentinel-${String(index)}`));
    await pause(BETWEEN_SENTINELS_MS);
    if (index % 50 === 49)
      say(`2^${String(tableBits)} weights: ${String(index + 1)} of ${String(sentinels)} sentinels`);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const cpuShares = Object.fromEntries(
    system.fleet.all.map(({ name, pid }) => [
      name,
      Math.round((100 * (cpuSecondsOf(pid() ?? 0) - (cpuBefore.get(name) ?? 0))) / seconds) / 100,
    ]),
  );
  const acknowledged = await stop();
  const sorted = [...delaysMs].sort((a, b) => a - b);
  const at = (share: number): number => Math.round(10 * quantile(sorted, share)) / 10;
  return {
    tableBits,
    eventsPerSecond: Math.round(acknowledged / ((performance.now() - beganMs) / 1000 + 3)),
    sentinels,
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    maxMs: at(1),
    delaysMs: delaysMs.map((ms) => Math.round(10 * ms) / 10),
    cpuShares,
  };
}

async function run(
  { rate, sentinels }: Options<'rate' | 'sentinels'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const rounds: Round[] = [];
  for (const tableBits of [18, 22]) {
    const system = await startSystem({});
    try {
      rounds.push(await measure(system, { tableBits, rate, sentinels }, say));
    } finally {
      await system.stop();
    }
  }
  const faults = rounds
    .filter(({ tableBits }) => tableBits === 18)
    .flatMap(({ p50Ms, p99Ms }) => [
      ...(p50Ms > GOALS.p50Ms ? [`p50 ${String(p50Ms)} ms, goal ${String(GOALS.p50Ms)}`] : []),
      ...(p99Ms > GOALS.p99Ms ? [`p99 ${String(p99Ms)} ms, goal ${String(GOALS.p99Ms)}`] : []),
    ]);
  const summary = rounds.map(
    ({ tableBits, eventsPerSecond, p50Ms, p90Ms, p99Ms, maxMs, cpuShares }) =>
      `2^${String(tableBits)} weights, ${String(eventsPerSecond)} events/s: acknowledged → answered p50 ${String(p50Ms)} ms, p90 ${String(p90Ms)}, p99 ${String(p99Ms)}, max ${String(maxMs)}; CPU ${JSON.stringify(cpuShares)}`,
  );
  return { json: { goals: GOALS, rounds }, summary, faults };
}

export const program = defineProgram({
  about: 'from an event’s acknowledgement to the first answer that has learned it, five processes under load',
  options: {
    rate: { default: 2000, min: 10, max: 100_000, help: 'events a second over HTTP' },
    sentinels: { default: 300, min: 10, max: 100_000, help: 'events whose way is timed' },
  },
  run,
});
