import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import { quantile } from '../../support/figures.ts';
import { residentMbOf } from '../../support/process-cpu.ts';
import type { Options } from '../../support/programs.ts';
import type { StartedSystem } from '../../support/system.ts';
import { pacedLoad } from '../serving/paced-load.ts';
import { intervalOf } from '../serving/interval.ts';
import { predictTarget, specOf } from '../serving/served-models.ts';
import { middle, sliceOf, WARM_UP_SECONDS } from '../serving/slices.ts';
import type { Slice } from '../serving/slices.ts';
import { openWriter } from './open-writer.ts';

/** Time from one snapshot to the next, ms: a thousand a minute. */
export const SWAP_EVERY_MS = 60;
/** The most that are made before a slice, so that making them does not take the cores that answer: 4 MB each at most, but for full ones. */
const AHEAD_MAX = 100;
const CONNECTIONS = 16;
/**
 * What a snapshot runs is run so seldom that it is compiled only after thousands of them, on the cores that answer: so many come before
 * anything counts.
 */
const WARM_UP_SNAPSHOTS = 3000;
const WARM_UP_EVERY_MS = 10;
/** After which no more is waited for, loads of a second. */
const WARM_UP_LOADS_MAX = 300;
/** Share of a long run after which its memory is looked at: until then code is compiled and heaps find their size. */
const WARM_UP_SHARE = 0.1;
/** Until which share what is looked at is what the rest is held against; full snapshots make the size go up and down. */
const FIRST_SHARE = 0.2;
const SIDES = ['still', 'swapping', 'still again'] as const;
type Side = (typeof SIDES)[number];

/** Returns the name of the model whose snapshots of a size are written. */
export function modelOf(tableBits: number): string {
  return `swaps-${String(tableBits)}`;
}

/** How many snapshots were applied, by kind. */
type Applied = Record<SnapshotKind, number>;

function allOf({ full, delta, step }: Applied): number {
  return full + delta + step;
}

/** Returns how many snapshots of a model a router has applied. */
async function appliedOf(system: StartedSystem, model: string): Promise<Applied> {
  const { body } = await system.http.send('GET', `${system.url('router')}/metrics`);
  const of = (kind: string): number => {
    const line = String(body)
      .split('\n')
      .find(
        (one) =>
          one.startsWith('headrace_router_snapshots_total{') &&
          one.includes(`model="${model}"`) &&
          one.includes(`kind="${kind}"`) &&
          one.includes('result="applied"'),
      );
    return Number(line?.split(' ').at(-1) ?? 0);
  };
  return { full: of('full'), delta: of('delta'), step: of('step') };
}

/** Resident memory of the router over many applications. */
interface LongRun {
  readonly applied: number;
  readonly failed: number;
  /** The most in the second tenth of them, MB. */
  readonly firstMb: number;
  /** The most from there on. */
  readonly highestMb: number;
  readonly lastMb: number;
}

/** A slice, and how long each of its requests took, sorted, ms. */
interface TimedSlice extends Slice {
  readonly latenciesMs: Float64Array;
}

/** Returns the 99th percentile of all requests of some sides, ms. */
function p99Of(rounds: readonly TimedSlice[][], ...sides: Side[]): number {
  const some = rounds.flat().filter(({ side }) => (sides as string[]).includes(side));
  const all = new Float64Array(some.reduce((sum, one) => sum + one.latenciesMs.length, 0));
  let at = 0;
  for (const { latenciesMs } of some) {
    all.set(latenciesMs, at);
    at += latenciesMs.length;
  }
  return quantile(all.sort(), 0.99);
}

/** What swapping the parameters of one size of table did. */
export interface SizeResult {
  readonly tableBits: number;
  readonly full: number;
  readonly delta: number;
  readonly step: number;
  readonly appliedPerMinute: number;
  readonly failed: number;
  /**
   * p99 with snapshots against p99 without, each of all requests of its slices: of a slice alone it is that of ten requests, and
   * in one slice a burst of something else is among them and in the next none.
   */
  readonly p99Ratio: number;
  /** Of the middle one of the slices' p99 instead. */
  readonly p99MiddleRatio: number;
  /** Between which two `p99Ratio` lies in nine of ten resamplings of the rounds. */
  readonly p99Interval: readonly [low: number, high: number];
  /** p99 without against p99 without, of other slices of the same rounds: how far noise alone goes. */
  readonly noiseRatio: number;
  /** Processor time of the router's process that one application costs, ms. */
  readonly cpuMsEach: number;
  readonly longRun: LongRun | undefined;
  readonly rounds: readonly Slice[];
}

/**
 * Asks a served model at a steady rate while snapshots of it are written to the topic that the router reads (swapping), or to one that
 * nobody reads (still, twice), slice by slice in turn. Writer and broker have the same work in all, but that the broker hands them to
 * the router; each topic's snapshots go on where they were, so that full ones are as rare among them as a learner makes them.
 */
export async function measureSize(
  system: StartedSystem,
  tableBits: number,
  options: Options<'rounds' | 'seconds' | 'rate' | 'applications'>,
  say: (line: string) => void,
): Promise<SizeResult> {
  const { rounds, seconds, rate } = options;
  const model = modelOf(tableBits);
  const router = system.fleet.one('router');
  const pid = router.pid() ?? 0;
  const target = predictTarget(router.url, 'flights', model);
  async function load(name: string, forSeconds = seconds): Promise<TimedSlice> {
    let latenciesMs: Float64Array = new Float64Array();
    const slice = await sliceOf({ name, pid, target }, async (one) => {
      const shown = await pacedLoad(one, { connections: CONNECTIONS, seconds: forSeconds, rate });
      ({ latenciesMs } = shown);
      return shown;
    });
    return { ...slice, latenciesMs };
  }

  const writer = await openWriter(system, model, specOf('flights', model, tableBits));
  const measured: TimedSlice[][] = [];
  const before = await appliedOf(system, model);

  async function warmUp(): Promise<void> {
    await writer.start('still', SWAP_EVERY_MS);
    await load('warm-up', WARM_UP_SECONDS);
    await writer.stop();
    await writer.start('swapping', WARM_UP_EVERY_MS);
    let applied = 0;
    for (let loads = 0; applied < WARM_UP_SNAPSHOTS; loads += 1) {
      if (loads === WARM_UP_LOADS_MAX)
        throw new Error(
          `${String(applied)} snapshots of ${model} applied in ${String(loads)} s, ${String(WARM_UP_SNAPSHOTS)} wanted; see ${router.logFile}`,
        );
      await load('warm-up', 1);
      applied = allOf(await appliedOf(system, model)) - allOf(before);
    }
    await writer.stop();
  }

  async function slice(name: Side): Promise<TimedSlice> {
    const ahead = Math.min(AHEAD_MAX, Math.ceil((1000 * seconds) / SWAP_EVERY_MS));
    await writer.start(name === 'swapping' ? 'swapping' : 'still', SWAP_EVERY_MS, ahead);
    const one = await load(name);
    await writer.stop();
    return one;
  }

  async function longRun(): Promise<LongRun | undefined> {
    if (options.applications === 0) return undefined;
    const begun = allOf(await appliedOf(system, model));
    let [applied, failed, firstMb, highestMb] = [0, 0, 0, 0];
    await writer.start('swapping', SWAP_EVERY_MS);
    while (applied < options.applications) {
      failed += (await load('long run', 1)).failed;
      const now = allOf(await appliedOf(system, model)) - begun;
      const isTold = Math.floor(applied / 1000) < Math.floor(now / 1000);
      applied = now;
      const mb = residentMbOf(pid);
      if (isTold) say(`2^${String(tableBits)}: ${String(applied)} applied, ${mb.toFixed(0)} MB`);
      if (applied < WARM_UP_SHARE * options.applications) continue;
      if (firstMb === 0 || applied < FIRST_SHARE * options.applications) firstMb = Math.max(firstMb, mb);
      else highestMb = Math.max(highestMb, mb);
    }
    await writer.stop();
    const lastMb = residentMbOf(pid);
    return { applied, failed, firstMb, highestMb: Math.max(highestMb, lastMb), lastMb };
  }

  try {
    await warmUp();
    const warm = await appliedOf(system, model);
    for (let round = 0; round < rounds; round += 1) {
      const slices: TimedSlice[] = [];
      for (let turn = 0; turn < SIDES.length; turn += 1)
        slices.push(await slice(SIDES[(round + turn) % SIDES.length] ?? 'still'));
      measured.push(slices);
      const shown = (name: Side): string => middle([slices], name, ({ p99Ms }) => p99Ms).toFixed(2);
      say(
        `2^${String(tableBits)} round ${String(round + 1)}: p99 ${shown('still')} and ${shown('still again')} ms still, ${shown('swapping')} ms swapping, ${residentMbOf(pid).toFixed(0)} MB`,
      );
    }
    const after = await appliedOf(system, model);
    const long = await longRun();
    const end = await appliedOf(system, model);
    const applied = allOf(after) - allOf(warm);
    const p99Ratio = (some: readonly TimedSlice[][]): number =>
      p99Of(some, 'swapping') / p99Of(some, 'still', 'still again');
    const middleP99 = (...sides: Side[]): number => middle(measured, sides, ({ p99Ms }) => p99Ms);
    const cpu = (side: Side): number => middle(measured, side, ({ cpuMicros }) => cpuMicros);
    const cpuMore = cpu('swapping') - (cpu('still') + cpu('still again')) / 2;
    return {
      tableBits,
      full: end.full - before.full,
      delta: end.delta - before.delta,
      step: end.step - before.step,
      appliedPerMinute: Math.round((60 * applied) / (rounds * seconds)),
      failed: measured.flat().reduce((sum, one) => sum + one.failed, long?.failed ?? 0),
      p99Ratio: p99Ratio(measured),
      p99MiddleRatio: middleP99('swapping') / middleP99('still', 'still again'),
      p99Interval: intervalOf(measured, p99Ratio),
      noiseRatio: p99Of(measured, 'still again') / p99Of(measured, 'still'),
      cpuMsEach: (cpuMore * rate * seconds * rounds) / applied / 1000,
      longRun: long,
      rounds: measured.flat().map(({ latenciesMs: _, ...slice }) => slice),
    };
  } finally {
    writer.close();
  }
}
