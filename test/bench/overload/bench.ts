import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { closedLoad } from '../serving/closed-load.ts';
import { inferTarget, serveModel } from '../serving/served-models.ts';
import { cpuSecondsOf } from '../../support/process-cpu.ts';
import { openLoad } from './open-load.ts';
import type { OpenLoad } from './open-load.ts';

const MODEL = 'flights';
const TABLE_BITS = 14;
const GOAL = 0.9;
/** Connections at which the peak is measured. */
const PEAK_CONNECTIONS = 64;

/** A load of so many times the capacity, and what it showed. */
interface Slice extends OpenLoad {
  readonly times: number;
  /** Answers in time a second, to the peak. */
  readonly goodput: number;
  /** Answers in time a second of the router's processor time, to the peak: steady on a machine that others use, too. */
  readonly cpuGoodput: number;
}

/** Answers at the peak, a second and a second of the router's processor time. */
interface Peak {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

/** One router: as it is set by default, or with a limit that is never reached. */
interface Side {
  readonly name: 'shedding' | 'without';
  readonly env: Readonly<Record<string, string>>;
}

const SIDES: readonly Side[] = [
  { name: 'shedding', env: {} },
  {
    name: 'without',
    env: {
      REQUESTS_MAX: '1000000',
      REQUEST_BYTES_MAX: '1000000000',
      LOOP_DELAY_MAX_MS: '60000',
    },
  },
];

const middleOf = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

async function run(
  {
    rounds,
    seconds,
    rows,
    connections,
    deadlineMs,
  }: Options<'rounds' | 'seconds' | 'rows' | 'connections' | 'deadlineMs'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { ingest: 0, monitor: 0 } });
  const peaks: Peak[] = [];
  const slices: Record<Side['name'], Slice[]> = { shedding: [], without: [] };
  try {
    await serveModel(system, 'flights', { model: MODEL, tableBits: TABLE_BITS });
    const router = system.fleet.one('router');
    const target = inferTarget(router.url, `/v2/models/${MODEL}/infer`, 'flights', rows);
    const cpuSeconds = (): number => cpuSecondsOf(router.pid() ?? 0);
    const peakOf = async (): Promise<Peak> => {
      const before = cpuSeconds();
      const load = await closedLoad(target, { connections: PEAK_CONNECTIONS, seconds });
      return {
        perSecond: load.answered / load.seconds,
        perCpuSecond: load.answered / (cpuSeconds() - before),
      };
    };
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, env } of SIDES) {
        await router.stop();
        await router.start(env);
        await router.untilReady();
        await peakOf(); // code is compiled
        const peak = await peakOf();
        peaks.push(peak);
        for (const times of [1, 2, 4]) {
          let before = NaN;
          const onOpen = (): void => {
            before = cpuSeconds();
          };
          const rate = times * peak.perSecond;
          const load = await openLoad(target, { rate, seconds, connections, deadlineMs, onOpen });
          const goodput = load.inTime / load.seconds / peak.perSecond;
          const cpuGoodput = load.inTime / (cpuSeconds() - before) / peak.perCpuSecond;
          slices[name].push({ ...load, times, goodput, cpuGoodput });
          say(
            `round ${String(round + 1)} ${name.padEnd(8)} peak ${peak.perSecond.toFixed(0)}/s, ${String(times)} × offered: in time ${(100 * goodput).toFixed(0)} % of the peak, ${(100 * cpuGoodput).toFixed(0)} % a CPU second; late ${String(load.late)}, shed ${String(load.shed)}, unsent ${String(load.unsent)}, failed ${String(load.failed)}`,
          );
        }
      }
    }
  } finally {
    await system.stop();
  }
  const ratioOf = (name: Side['name'], times: number): number =>
    middleOf(slices[name].filter((slice) => slice.times === times).map(({ cpuGoodput }) => cpuGoodput));
  const ratios = Object.fromEntries(
    SIDES.map(({ name }) => [
      name,
      Object.fromEntries([1, 2, 4].map((times) => [times, ratioOf(name, times)])),
    ]),
  );
  const atTwice = ratioOf('shedding', 2);
  const words = (name: Side['name']): string =>
    [1, 2, 4].map((times) => `${String(times)} ×: ${ratioOf(name, times).toFixed(2)}`).join(', ');
  return {
    json: { rows, connections, deadlineMs, goal: GOAL, goodputAtTwiceToPeak: atTwice, ratios, peaks, slices },
    summary: [
      `goodput (answers within ${String(deadlineMs)} ms) a CPU second to the peak, ${String(rows)} rows a request, ${String(connections)} connections`,
      `as it is:         ${words('shedding')}`,
      `without shedding: ${words('without')}`,
    ],
    faults:
      atTwice >= GOAL
        ? []
        : [`goodput at 2 × capacity ${atTwice.toFixed(2)} of the peak, wanted ${String(GOAL)}`],
  };
}

export const program = defineProgram({
  about: 'goodput of one router at 1, 2 and 4 times its capacity, to its peak, with shedding and without',
  options: {
    rounds: { default: 3, min: 1, max: 100, help: 'times that each side is measured' },
    seconds: { default: 8, min: 1, max: 600, help: 'length of one slice' },
    rows: { default: 1024, min: 1, max: 1024, help: 'rows of one request' },
    connections: { default: 1000, min: 64, max: 20_000, help: 'connections of the load' },
    deadlineMs: { default: 1000, min: 10, max: 60_000, help: 'an answer later than this is of no use, ms' },
  },
  run,
});
