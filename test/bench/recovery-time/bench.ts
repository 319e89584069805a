import { setTimeout as pause } from 'node:timers/promises';
import { readFileSync } from 'node:fs';
import { createRng } from '../../../shared/domain/rng.ts';
import { createTrainingEventEncoder } from '../../../shared/events/training-event-encoder.ts';
import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { PARTITIONS, startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { wideEvents, wideModel } from '../stream-runs/synthetic-model.ts';

const MODEL = 'recovering';
const FEATURES = 8;
const TOPIC = 'training-events.v1';
const BETWEEN_RECORDS_MS = 4;
const LIVE_MS = 1200;
const LOOK_EVERY_MS = 5;
const LIMIT_MS = 30_000;
const GOAL_MS = 500;

/** How one kill was recovered from, ms. */
interface Recovery {
  /** From the program's first line to the first record applied. */
  readonly programMs: number;
  /** From SIGKILL to the first record applied, the start of the process included. */
  readonly killMs: number;
}

/** Writes small records steadily until it is stopped. */
async function startWriter(system: StartedSystem): Promise<() => Promise<void>> {
  const encoder = await createTrainingEventEncoder(system.stack.schemaRegistryUrl, PARTITIONS);
  const producer = system.kafka.producer();
  await producer.connect();
  const events = [...wideEvents(200_000, FEATURES, 1)];
  const stopping = new AbortController();
  const writing = (async () => {
    for (let at = 0; !stopping.signal.aborted; at = (at + 4) % events.length) {
      const { key, value, partition } = encoder.encode(MODEL, events.slice(at, at + 4));
      await producer.send({ topic: TOPIC, messages: [{ key, value, partition }] });
      await pause(BETWEEN_RECORDS_MS);
    }
  })();
  return async () => {
    stopping.abort();
    await writing;
    await producer.disconnect();
  };
}

async function recoverOnce(system: StartedSystem): Promise<Recovery> {
  const learner = system.fleet.one('online-learner');
  const before = readFileSync(learner.logFile, 'utf8').length;
  const killedAtMs = Date.now();
  await learner.kill();
  await learner.start();
  const limitMs = performance.now() + LIMIT_MS;
  while (performance.now() < limitMs) {
    await pause(LOOK_EVERY_MS);
    const log = readFileSync(learner.logFile, 'utf8').slice(before);
    const line = log.split('\n').find((one) => one.includes('"first record applied"'));
    if (line?.endsWith('}') !== true) continue;
    const { time, sinceProgramMs } = JSON.parse(line) as { time: string; sinceProgramMs: number };
    return { programMs: sinceProgramMs, killMs: Date.parse(time) - killedAtMs };
  }
  throw new Error(`nothing was applied within ${String(LIMIT_MS)} ms; see ${learner.logFile}`);
}

async function run({ kills }: Options<'kills'>, say: (line: string) => void): Promise<ProgramResult> {
  const rng = createRng(1);
  const system = await startSystem({ instances: { router: 0, ingest: 0, monitor: 0 } });
  try {
    const operator = system.operator(MODEL);
    await operator.createModel(wideModel(MODEL, FEATURES, 18));
    await operator.addVersion({ mode: 'cold' });
    const stop = await startWriter(system);
    await pause(LIVE_MS);
    const recoveries: Recovery[] = [];
    for (let kill = 0; kill < kills; kill += 1) {
      recoveries.push(await recoverOnce(system));
      await pause(LIVE_MS + rng.int(500));
      if (kill % 10 === 9) say(`${String(kill + 1)} of ${String(kills)} kills`);
    }
    await stop();
    const figures = (pick: (one: Recovery) => number): { p50: number; p99: number; max: number } => {
      const sorted = recoveries.map(pick).sort((a, b) => a - b);
      const at = (share: number): number => Math.round(quantile(sorted, share));
      return { p50: at(0.5), p99: at(0.99), max: at(1) };
    };
    const program = figures(({ programMs }) => programMs);
    const kill = figures(({ killMs }) => killMs);
    const words = ({ p50, p99, max }: typeof program): string =>
      `p50 ${String(p50)} ms, p99 ${String(p99)}, max ${String(max)}`;
    return {
      json: { kills, goalP99Ms: GOAL_MS, programMs: program, killMs: kill, raw: recoveries },
      summary: [
        `program begins → first record applied: ${words(program)} (goal p99 ${String(GOAL_MS)} ms)`,
        `SIGKILL → first record applied, process start included: ${words(kill)}`,
      ],
      faults: program.p99 > GOAL_MS ? [`p99 ${String(program.p99)} ms, goal ${String(GOAL_MS)}`] : [],
    };
  } finally {
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'kill -9 of a learner under traffic to the first record its successor applies',
  options: { kills: { default: 60, min: 3, max: 10_000, help: 'kills' } },
  run,
});
