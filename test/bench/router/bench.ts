import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { closedLoad } from '../serving/closed-load.ts';
import { pacedLoad } from '../serving/paced-load.ts';
import { CASE_NAMES, inferTarget, predictTarget, serveModel } from '../serving/served-models.ts';
import type { CaseName } from '../serving/served-models.ts';
import { startEcho } from '../serving/side-process.ts';
import type { SideProcess } from '../serving/side-process.ts';
import { middle, rotate, WARM_UP_SECONDS } from '../serving/slices.ts';
import type { Side, Slice } from '../serving/slices.ts';
import { MLSERVER_MODEL, startMlserver } from './mlserver.ts';

const GOALS = { bareMin: 1, coalescedMin: 0.9, mlserverMin: 25, p99RatioMax: 1.25, addedP50MsMax: 0.2 };
const BATCHES = [1, 16, 256];
const BUSY_CONNECTIONS = 64;

type Names = 'rounds' | 'seconds' | 'rate' | 'warmup';

/** What one case showed. */
interface CaseFigures {
  readonly name: CaseName;
  /** Requests per CPU-second of the router in terms of the other’s; null where the other is missing. */
  readonly ratioBare: number;
  readonly ratioCoalesced: number;
  readonly ratioMlserver: number | null;
  readonly routerCpuMicros: number;
  readonly bareCpuMicros: number;
  readonly coalescedCpuMicros: number;
  readonly mlserverCpuMicros: number | null;
  /** At equal rate. */
  readonly p99Ratio: number;
  readonly p99Ms: { readonly router: number; readonly bare: number };
  /** At one connection. */
  readonly addedP50Ms: number;
  readonly failed: number;
  readonly busy: readonly Slice[][];
  readonly paced: readonly Slice[][];
  readonly single: readonly Slice[][];
  readonly batches: readonly {
    readonly rows: number;
    readonly routerCpuMicrosPerRow: number;
    readonly mlserverCpuMicrosPerRow: number | null;
    readonly rounds: readonly Slice[][];
  }[];
}

interface World {
  readonly system: StartedSystem;
  readonly bare: SideProcess;
  readonly coalesced: SideProcess;
  readonly mlserver: SideProcess | undefined;
}

const cpu = ({ cpuMicros }: Slice): number => cpuMicros;

function sidesOf({ system, bare, coalesced, mlserver }: World, name: CaseName): Side[] {
  const router = system.fleet.one('router');
  const target = predictTarget(router.url, name, name);
  const path = `/v2/models/${MLSERVER_MODEL}/infer`;
  return [
    { name: 'router', pid: router.pid() ?? 0, target },
    { name: 'echo', pid: bare.pid, target: { ...target, url: bare.url } },
    { name: 'echo coalesced', pid: coalesced.pid, target: { ...target, url: coalesced.url } },
    ...(mlserver
      ? [{ name: 'mlserver', pid: mlserver.pid, target: inferTarget(mlserver.url, path, name, 1) }]
      : []),
  ];
}

async function batchFigures(
  { system, mlserver }: World,
  name: CaseName,
  { rounds, seconds }: Options<Names>,
  say: (line: string) => void,
): Promise<CaseFigures['batches']> {
  const router = system.fleet.one('router');
  const done: CaseFigures['batches'][number][] = [];
  for (const rows of BATCHES) {
    const sides: Side[] = [
      {
        name: 'router',
        pid: router.pid() ?? 0,
        target: inferTarget(router.url, `/v2/models/${name}/infer`, name, rows),
      },
    ];
    if (mlserver) {
      const target = inferTarget(mlserver.url, `/v2/models/${MLSERVER_MODEL}/infer`, name, rows);
      sides.push({ name: 'mlserver', pid: mlserver.pid, target });
    }
    say(`${name}: batches of ${String(rows)}`);
    const slices = await rotate(
      sides,
      Math.min(rounds, 3),
      (target) => closedLoad(target, { connections: 16, seconds }),
      say,
    );
    const perRow = (side: string): number => middle(slices, side, cpu) / rows;
    done.push({
      rows,
      routerCpuMicrosPerRow: perRow('router'),
      mlserverCpuMicrosPerRow: mlserver ? perRow('mlserver') : null,
      rounds: slices,
    });
  }
  return done;
}

async function measure(
  world: World,
  name: CaseName,
  options: Options<Names>,
  say: (line: string) => void,
): Promise<CaseFigures> {
  const { rounds, seconds, rate, warmup } = options;
  const sides = sidesOf(world, name);
  const [router, bare] = sides;
  if (router === undefined || bare === undefined)
    throw new RangeError('measuring: no sides, allowed 2 or more');
  say(`${name}: ${String(warmup)} s to warm up each`);
  for (const side of sides) await closedLoad(side.target, { connections: BUSY_CONNECTIONS, seconds: warmup });
  say(`${name}: ${String(BUSY_CONNECTIONS)} connections`);
  const busy = await rotate(
    sides,
    rounds,
    (target) => closedLoad(target, { connections: BUSY_CONNECTIONS, seconds }),
    say,
  );
  say(`${name}: ${String(rate)} requests a second over ${String(BUSY_CONNECTIONS)} connections`);
  const paced = await rotate(
    [router, bare],
    rounds,
    (target) => pacedLoad(target, { connections: BUSY_CONNECTIONS, seconds, rate }),
    say,
  );
  say(`${name}: 1 connection`);
  const single = await rotate(
    [router, bare],
    rounds,
    (target) => closedLoad(target, { connections: 1, seconds }),
    say,
  );
  const micros = (side: string): number => middle(busy, side, cpu);
  const hasMlserver = world.mlserver !== undefined;
  const p99 = (side: string): number => middle(paced, side, ({ p99Ms }) => p99Ms);
  const p50 = (side: string): number => middle(single, side, ({ p50Ms }) => p50Ms);
  return {
    name,
    ratioBare: micros('echo') / micros('router'),
    ratioCoalesced: micros('echo coalesced') / micros('router'),
    ratioMlserver: hasMlserver ? micros('mlserver') / micros('router') : null,
    routerCpuMicros: micros('router'),
    bareCpuMicros: micros('echo'),
    coalescedCpuMicros: micros('echo coalesced'),
    mlserverCpuMicros: hasMlserver ? micros('mlserver') : null,
    p99Ratio: p99('router') / p99('echo'),
    p99Ms: { router: p99('router'), bare: p99('echo') },
    addedP50Ms: p50('router') - p50('echo'),
    failed: [...busy, ...paced, ...single].flat().reduce((sum, slice) => sum + slice.failed, 0),
    busy,
    paced,
    single,
    batches: await batchFigures(world, name, options, say),
  };
}

function faultsOf(one: CaseFigures): string[] {
  const faults: string[] = [];
  const hold = (what: string, holds: boolean, limit: number): void => {
    if (!holds) faults.push(`${one.name}: ${what}, goal ${String(limit)}`);
  };
  hold(`${one.ratioBare.toFixed(2)} × the bare echo`, one.ratioBare >= GOALS.bareMin, GOALS.bareMin);
  hold(
    `${one.ratioCoalesced.toFixed(2)} × the coalesced echo`,
    one.ratioCoalesced >= GOALS.coalescedMin,
    GOALS.coalescedMin,
  );
  if (one.ratioMlserver !== null)
    hold(
      `${one.ratioMlserver.toFixed(1)} × MLServer`,
      one.ratioMlserver >= GOALS.mlserverMin,
      GOALS.mlserverMin,
    );
  hold(
    `p99 at equal rate ${one.p99Ratio.toFixed(2)} × the echo’s`,
    one.p99Ratio <= GOALS.p99RatioMax,
    GOALS.p99RatioMax,
  );
  hold(
    `${one.addedP50Ms.toFixed(3)} ms more at one connection`,
    one.addedP50Ms <= GOALS.addedP50MsMax,
    GOALS.addedP50MsMax,
  );
  if (one.failed > 0) faults.push(`${one.name}: ${String(one.failed)} requests failed`);
  return faults;
}

function summaryOf(one: CaseFigures): string[] {
  const micros = (number: number | null): string => (number === null ? 'missing' : `${number.toFixed(1)} µs`);
  return [
    `${one.name}: CPU a request: router ${micros(one.routerCpuMicros)}, echo ${micros(one.bareCpuMicros)}, coalesced ${micros(one.coalescedCpuMicros)}, MLServer ${micros(one.mlserverCpuMicros)}`,
    `  requests per CPU-second: ${one.ratioBare.toFixed(2)} × echo, ${one.ratioCoalesced.toFixed(2)} × coalesced echo, ${one.ratioMlserver?.toFixed(1) ?? '?'} × MLServer`,
    `  p99 at equal rate ${one.p99Ms.router.toFixed(2)} ms, echo ${one.p99Ms.bare.toFixed(2)} ms: ${one.p99Ratio.toFixed(2)} ×; p50 at 1 connection + ${one.addedP50Ms.toFixed(3)} ms`,
    ...one.batches.map(
      ({ rows, routerCpuMicrosPerRow, mlserverCpuMicrosPerRow }) =>
        `  batches of ${String(rows)}: CPU a row: router ${micros(routerCpuMicrosPerRow)}, MLServer ${micros(mlserverCpuMicrosPerRow)}`,
    ),
  ];
}

async function run(options: Options<Names>, say: (line: string) => void): Promise<ProgramResult> {
  const system = await startSystem({ instances: { ingest: 0, monitor: 0 } });
  const sides: SideProcess[] = [];
  try {
    const bare = await startEcho('bare', system.dataDir);
    sides.push(bare);
    const coalesced = await startEcho('coalesced', system.dataDir);
    sides.push(coalesced);
    const started = await startMlserver(system.dataDir);
    const mlserver = 'missing' in started ? undefined : started;
    if (mlserver !== undefined) sides.push(mlserver);
    const missing = 'missing' in started ? started.missing : null;
    if (missing !== null) say(`MLServer is left out: ${missing}`);
    const cases: CaseFigures[] = [];
    for (const name of CASE_NAMES) {
      await serveModel(system, name, { model: name });
      cases.push(await measure({ system, bare, coalesced, mlserver }, name, options, say));
    }
    return {
      json: { goals: GOALS, mlserverMissing: missing, cases },
      summary: [
        ...cases.flatMap(summaryOf),
        ...(missing === null ? [] : [`MLServer is left out: ${missing}`]),
      ],
      faults: cases.flatMap(faultsOf),
    };
  } finally {
    for (const side of sides) await side.stop();
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'a prediction with everything on against a bare Fastify echo and MLServer: CPU a request, latency',
  options: {
    rounds: { default: 7, min: 1, max: 100, help: 'interleaved rounds' },
    seconds: { default: 3, min: 1, max: 600, help: 'length of one slice' },
    warmup: {
      default: WARM_UP_SECONDS,
      min: 0,
      max: 600,
      help: 'load on each server before anything counts, s',
    },
    rate: { default: 4000, min: 100, max: 100_000, help: 'requests a second where latencies are compared' },
  },
  run,
});
