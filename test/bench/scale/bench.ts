import { cpus } from 'node:os';
import { cpuSecondsOf } from '../../support/process-cpu.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { closedLoad } from '../serving/closed-load.ts';
import { predictTarget, serveModel } from '../serving/served-models.ts';

const MODEL = 'scale';
const CONNECTIONS = 64;

/** What one slice of load on so many routers showed. */
interface Slice {
  readonly routers: number;
  readonly requestsPerSecond: number;
  /** Processor time a request, µs: of the routers, and of the program that asks them. */
  readonly routerMicros: number;
  readonly clientMicros: number;
  readonly failed: number;
}

async function run(
  { rounds, seconds }: Options<'rounds' | 'seconds'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { router: 2, ingest: 0, monitor: 0 } });
  const slices: Slice[] = [];
  try {
    await serveModel(system, 'flights', { model: MODEL });
    const routers = system.fleet.all.filter(({ name }) => name === 'router');

    async function slice(count: number): Promise<Slice> {
      const asked = routers.slice(0, count);
      const pids = asked.map((router) => router.pid() ?? 0);
      const used = (): number => pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
      const before = { routers: used(), client: cpuSecondsOf(process.pid) };
      const loads = await Promise.all(
        asked.map(({ url }) =>
          closedLoad(predictTarget(url, 'flights', MODEL), { connections: CONNECTIONS / count, seconds }),
        ),
      );
      const answered = loads.reduce((sum, load) => sum + load.answered, 0);
      return {
        routers: count,
        requestsPerSecond: Math.round(loads.reduce((sum, load) => sum + load.answered / load.seconds, 0)),
        routerMicros: ((used() - before.routers) / answered) * 1e6,
        clientMicros: ((cpuSecondsOf(process.pid) - before.client) / answered) * 1e6,
        failed: loads.reduce((sum, load) => sum + load.failed, 0),
      };
    }

    await slice(2); // code is compiled
    for (let round = 0; round < rounds; round += 1) {
      for (const count of round % 2 === 0 ? [1, 2] : [2, 1]) {
        const one = await slice(count);
        slices.push(one);
        say(
          `round ${String(round + 1)} ${String(count)} routers: ${String(one.requestsPerSecond)}/s, ${one.routerMicros.toFixed(1)} µs of routers and ${one.clientMicros.toFixed(1)} µs of the client a request`,
        );
      }
    }
  } finally {
    await system.stop();
  }
  const middle = (count: number, of: (slice: Slice) => number): number => {
    const values = slices
      .filter(({ routers }) => routers === count)
      .map(of)
      .sort((a, b) => a - b);
    return values[Math.floor(values.length / 2)] ?? NaN;
  };
  const [one, two] = [1, 2].map((count) => middle(count, (slice) => slice.requestsPerSecond));
  const cost = middle(2, (slice) => slice.routerMicros) / middle(1, (slice) => slice.routerMicros);
  const failed = slices.reduce((sum, slice) => sum + slice.failed, 0);
  const cores = cpus().length;
  const routerMicros = middle(1, (slice) => slice.routerMicros);
  return {
    json: {
      cores,
      throughputRatio: (two ?? NaN) / (one ?? NaN),
      costRatio: cost,
      routerMicros,
      failed,
      rounds: slices,
    },
    summary: [
      `two routers answer ${((two ?? NaN) / (one ?? NaN)).toFixed(2)} × what one does, at ${cost.toFixed(2)} × the processor time a request`,
      `${String(cores)} cores carry routers, client and Kafka; at ${routerMicros.toFixed(1)} µs a request a million requests a second take ${Math.ceil(routerMicros).toFixed(0)} cores of routers`,
    ],
    faults: failed > 0 ? [`${String(failed)} requests failed`] : [],
  };
}

export const program = defineProgram({
  about: 'what two routers answer against one, and what a request costs then',
  options: {
    rounds: { default: 6, min: 1, max: 100, help: 'interleaved rounds' },
    seconds: { default: 3, min: 1, max: 600, help: 'length of one slice' },
  },
  run,
});
