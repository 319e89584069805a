import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { closedLoad } from '../serving/closed-load.ts';
import { predictTarget, serveModel } from '../serving/served-models.ts';
import { middle, rotate, WARM_UP_SECONDS } from '../serving/slices.ts';
import type { Side } from '../serving/slices.ts';

const CONNECTIONS = 64;
const GOAL_RATIO_MAX = 1.15;

/** The versions scored a request: stable alone, with a candidate, and with shadows. At most four versions are live. */
const PLANS = [
  { name: '1 version', candidate: undefined, shadows: [] },
  { name: '2 versions', candidate: 2, shadows: [] },
  { name: '3 versions', candidate: 2, shadows: [3] },
  { name: '4 versions', candidate: 2, shadows: [3, 4] },
] as const;

async function run(
  { rounds, seconds }: Options<'rounds' | 'seconds'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { ingest: 0, monitor: 0 } });
  try {
    const router = system.fleet.one('router');
    const sides: Side[] = [];
    for (const [at, { name, candidate, shadows }] of PLANS.entries()) {
      const model = `arms-${String(at + 1)}`;
      await serveModel(system, 'flights', { model, versions: at + 1 });
      if (candidate !== undefined) {
        const plan = { stable: 1, candidate, candidateWeightBp: 5000, shadows: [...shadows] };
        await system.operator(model).setTraffic(plan);
      }
      sides.push({ name, pid: router.pid() ?? 0, target: predictTarget(router.url, 'flights', model) });
    }
    for (const { target } of sides)
      await closedLoad(target, { connections: CONNECTIONS, seconds: WARM_UP_SECONDS });
    const slices = await rotate(
      sides,
      rounds,
      (target) => closedLoad(target, { connections: CONNECTIONS, seconds }),
      say,
    );
    const micros = sides.map(({ name }) => middle(slices, name, ({ cpuMicros }) => cpuMicros));
    const ratios = micros.map((one) => one / (micros[0] ?? NaN));
    const failed = slices.flat().reduce((sum, slice) => sum + slice.failed, 0);
    const ratioOfThree = ratios[2] ?? NaN;
    return {
      json: {
        goalRatioMax: GOAL_RATIO_MAX,
        failed,
        cases: sides.map(({ name }, at) => ({ name, cpuMicros: micros[at], ratio: ratios[at] })),
        rounds: slices,
      },
      summary: sides.map(
        ({ name }, at) =>
          `${name}: ${micros[at]?.toFixed(1) ?? ''} µs of CPU a request, ${ratios[at]?.toFixed(2) ?? ''} × one`,
      ),
      faults: [
        ...(ratioOfThree <= GOAL_RATIO_MAX
          ? []
          : [`two arms and a shadow ${ratioOfThree.toFixed(2)} × one arm, goal ${String(GOAL_RATIO_MAX)}`]),
        ...(failed > 0 ? [`${String(failed)} requests failed`] : []),
      ],
    };
  } finally {
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'what a request costs when 1, 2, 3 and 4 versions score it',
  options: {
    rounds: { default: 7, min: 1, max: 100, help: 'interleaved rounds' },
    seconds: { default: 3, min: 1, max: 600, help: 'length of one slice' },
  },
  run,
});
