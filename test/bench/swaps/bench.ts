import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { startSystem } from '../../support/system.ts';
import { serveModel } from '../serving/served-models.ts';
import { changeArchitectures } from './change-architectures.ts';
import { measureSize, modelOf, SWAP_EVERY_MS } from './measure-size.ts';
import type { SizeResult } from './measure-size.ts';
import { makeElsewhere } from './open-writer.ts';

const SIZES = [18, 22];
/** Snapshots a minute that have to be applied for the rest to count. */
const APPLIED_PER_MINUTE_MIN = 900;
const P99_RATIO_MAX = 1.1;
const GROWTH_MAX_MB = 50;

function summaryOf(size: SizeResult): string[] {
  const name = `2^${String(size.tableBits)} weights`;
  const { longRun } = size;
  return [
    `${name}: ${String(size.full)} full, ${String(size.delta)} delta and ${String(size.step)} step snapshots applied, ${String(size.appliedPerMinute)} a minute, ${size.cpuMsEach.toFixed(1)} ms of processor time each`,
    `${name}: ${String(size.failed)} failed, p99 ${size.p99Ratio.toFixed(2)} × without (${size.p99Interval.map((end) => end.toFixed(2)).join(' to ')} in nine of ten resamplings; the middle of slices ${size.p99MiddleRatio.toFixed(2)} ×); without against itself ${size.noiseRatio.toFixed(2)} ×`,
    ...(longRun === undefined
      ? []
      : [
          `${name}: ${String(longRun.applied)} applications: ${longRun.firstMb.toFixed(0)} MB at most in the second tenth, ${longRun.highestMb.toFixed(0)} MB at most after it, ${longRun.lastMb.toFixed(0)} MB at the end`,
        ]),
  ];
}

function faultsOf(size: SizeResult): string[] {
  const name = `2^${String(size.tableBits)}`;
  const { full, delta, step, failed, p99Ratio, appliedPerMinute, longRun } = size;
  const growthMb = longRun === undefined ? 0 : longRun.highestMb - longRun.firstMb;
  return [
    ...(full > 0 && delta > 0 && step > 0
      ? []
      : [`${name}: ${[full, delta, step].join(', ')} full, delta and step snapshots, wanted all`]),
    ...(appliedPerMinute >= APPLIED_PER_MINUTE_MIN
      ? []
      : [
          `${name}: ${String(appliedPerMinute)} snapshots a minute applied, wanted ${String(APPLIED_PER_MINUTE_MIN)}`,
        ]),
    ...(failed > 0 ? [`${name}: ${String(failed)} requests failed`] : []),
    ...(p99Ratio <= P99_RATIO_MAX
      ? []
      : [`${name}: p99 ${p99Ratio.toFixed(2)} × without, goal ${String(P99_RATIO_MAX)}`]),
    ...(growthMb <= GROWTH_MAX_MB
      ? []
      : [`${name}: ${growthMb.toFixed(0)} MB more, allowed ${String(GROWTH_MAX_MB)}`]),
  ];
}

async function run(
  options: Options<'rounds' | 'seconds' | 'rate' | 'applications' | 'architectures'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const system = await startSystem({ instances: { monitor: 0, ingest: 0 } });
  const sizes: SizeResult[] = [];
  try {
    await makeElsewhere(system);
    const changed = await changeArchitectures(system, options.architectures, options.rate, say);
    for (const tableBits of SIZES)
      await serveModel(system, 'flights', { model: modelOf(tableBits), tableBits });
    // They read and write snapshots, too, on machines of their own; from here on another process writes them.
    for (const name of ['online-learner', 'registry'] as const) await system.fleet.one(name).stop();
    for (const tableBits of SIZES) sizes.push(await measureSize(system, tableBits, options, say));
    return {
      json: { swapEveryMs: SWAP_EVERY_MS, sizes, architectures: changed },
      summary: [
        ...sizes.flatMap(summaryOf),
        `${String(changed.changes)} architectures: ${String(changed.failed)} of ${String(changed.answered + changed.failed)} requests failed`,
      ],
      faults: [
        ...sizes.flatMap(faultsOf),
        ...(changed.failed > 0
          ? [`${String(changed.failed)} requests failed while architectures changed`]
          : []),
      ],
    };
  } finally {
    await system.stop();
  }
}

export const program = defineProgram({
  about: 'a snapshot applied every 60 ms under constant load, and architectures changed; against none',
  options: {
    rounds: {
      default: 60,
      min: 1,
      max: 1000,
      help: 'interleaved rounds, each swapping once and still twice',
    },
    seconds: { default: 2, min: 1, max: 600, help: 'length of one slice' },
    rate: { default: 500, min: 1, max: 100_000, help: 'requests a second' },
    applications: {
      default: 0,
      min: 0,
      max: 1_000_000,
      help: 'snapshots of each size applied after that, for memory',
    },
    architectures: { default: 40, min: 0, max: 10_000, help: 'changes of architecture' },
  },
  run,
});
