import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { residentMbOf } from '../../support/process-cpu.ts';
import { startSystem } from '../../support/system.ts';
import { closedLoad } from '../serving/closed-load.ts';
import { predictTarget, serveModel } from '../serving/served-models.ts';
import { sliceOf } from '../serving/slices.ts';
import type { Slice } from '../serving/slices.ts';
import type { Target } from '../serving/target.ts';

const COUNTS = [1, 10, 100];
const CONNECTIONS = 64;
const TABLE_BITS = 14;
const EVENTS = 200;
/** Models that are asked at the same time, at most: each has connections of its own. */
const TOGETHER = 10;

/** What one number of models showed. */
interface Row {
  readonly models: number;
  readonly cpuMicros: number;
  readonly residentMb: number;
  /** From the start of the router's process to the first time that it is ready, with every model. */
  readonly readyMs: number;
  readonly rounds: readonly Slice[];
}

/** Returns a slice of load that goes to several models at once. */
function sliceTogether(
  pid: number,
  models: number,
  targets: readonly Target[],
  seconds: number,
): Promise<Slice> {
  const [first] = targets;
  if (first === undefined) throw new RangeError('asking: no models, allowed 1 or more');
  const connections = Math.floor(CONNECTIONS / targets.length);
  return sliceOf({ name: `${String(models)} models`, pid, target: first }, async () => {
    const loads = await Promise.all(targets.map((target) => closedLoad(target, { connections, seconds })));
    return {
      answered: loads.reduce((sum, { answered }) => sum + answered, 0),
      failed: loads.reduce((sum, { failed }) => sum + failed, 0),
      seconds: Math.max(...loads.map((load) => load.seconds)),
      latenciesMs: Float64Array.from(loads.flatMap(({ latenciesMs }) => [...latenciesMs])).sort(),
    };
  });
}

async function run(
  { rounds, seconds, largest }: Options<'rounds' | 'seconds' | 'largest'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { ingest: 0, monitor: 0 } });
  const rows: Row[] = [];
  try {
    const router = system.fleet.one('router');
    let made = 0;
    for (const count of COUNTS.filter((one) => one <= largest)) {
      for (; made < count; made += 1)
        await serveModel(system, 'flights', {
          model: `model-${String(made)}`,
          events: EVENTS,
          tableBits: TABLE_BITS,
        });
      await router.stop();
      const startMs = performance.now();
      await router.start();
      await router.untilReady();
      const readyMs = performance.now() - startMs;
      const pid = router.pid() ?? 0;
      const idleMb = residentMbOf(pid);
      const targets = Array.from({ length: count }, (_, at) =>
        predictTarget(router.url, 'flights', `model-${String(at)}`),
      );
      const asked = (): Promise<Slice> => sliceTogether(pid, count, targets.slice(0, TOGETHER), seconds);
      await asked(); // code is compiled
      const slices: Slice[] = [];
      for (let round = 0; round < rounds; round += 1) slices.push(await asked());
      const costs = slices.map(({ cpuMicros }) => cpuMicros).sort((a, b) => a - b);
      const cpuMicros = costs[Math.floor(costs.length / 2)] ?? NaN;
      rows.push({ models: count, cpuMicros, residentMb: idleMb, readyMs, rounds: slices });
      say(
        `${String(count)} models: ready after ${readyMs.toFixed(0)} ms, ${idleMb.toFixed(0)} MB, ${cpuMicros.toFixed(1)} µs a request`,
      );
    }
  } finally {
    await system.stop();
  }
  const [first] = rows;
  const last = rows.at(-1);
  const mbAModel =
    first === undefined || last === undefined || last === first
      ? null
      : (last.residentMb - first.residentMb) / (last.models - first.models);
  const failed = rows.flatMap((row) => row.rounds).reduce((sum, slice) => sum + slice.failed, 0);
  return {
    json: { tableBits: TABLE_BITS, askedTogether: TOGETHER, mbAModel, failed, rows },
    summary: [
      ...rows.map(
        ({ models, cpuMicros, residentMb: mb, readyMs }) =>
          `${String(models)} models of 2^${String(TABLE_BITS)} weights: ${cpuMicros.toFixed(1)} µs of CPU a request, ${mb.toFixed(0)} MB, ready after ${readyMs.toFixed(0)} ms`,
      ),
      `memory a model: ${mbAModel?.toFixed(2) ?? '?'} MB`,
    ],
    faults: failed > 0 ? [`${String(failed)} requests failed`] : [],
  };
}

export const program = defineProgram({
  about: '1, 10 and 100 models on one router: cost a request, memory a model, time to ready',
  options: {
    rounds: { default: 5, min: 1, max: 100, help: 'slices of load' },
    seconds: { default: 3, min: 1, max: 600, help: 'length of one slice' },
    largest: { default: 100, min: 1, max: 100, help: 'most models' },
  },
  run,
});
