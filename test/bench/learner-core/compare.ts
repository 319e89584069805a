import { DATA_SETS } from './data-set.ts';
import type { DataSetName } from './data-set.ts';
import type { DataFiles } from './data-files.ts';
import type { Usage } from './python-tools.ts';
import { ourSlice, riverSlice, VW_VARIANTS, vwSlice } from './sides.ts';
import type { Slice, VwVariant } from './sides.ts';

const START_UPS = 5;

/** How much of a data set is measured. */
export interface Extent {
  readonly rows: number;
  readonly rounds: number;
  /** Rows for River; 0 leaves it out. */
  readonly riverRows: number;
}

/** Returns the middle of the numbers, the upper one of two. */
export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;
}

function medianUsage(usages: readonly Usage[]): Usage {
  return {
    cpuSeconds: median(usages.map(({ cpuSeconds }) => cpuSeconds)),
    wallSeconds: median(usages.map(({ wallSeconds }) => wallSeconds)),
  };
}

async function repeated(times: number, run: () => Promise<Slice>): Promise<Usage> {
  const usages: Usage[] = [];
  for (let time = 0; time < times; time++) usages.push((await run()).usage);
  return medianUsage(usages);
}

/** Returns every variant's loss and CPU time over the whole file, the best loss first. */
async function rankVariants(
  python: string,
  name: DataSetName,
  file: string,
): Promise<{ variant: VwVariant; logLoss: number; cpuSeconds: number }[]> {
  const found: { variant: VwVariant; logLoss: number; cpuSeconds: number }[] = [];
  for (const variant of VW_VARIANTS) {
    const { logLoss, usage } = await vwSlice(python, name, file, variant);
    found.push({ variant, logLoss, cpuSeconds: usage.cpuSeconds });
  }
  return found.sort((a, b) => a.logLoss - b.logLoss);
}

async function riverFigures(
  python: string,
  name: DataSetName,
  files: DataFiles,
  rows: number,
): Promise<{ rows: number; examplesPerCpuSecond: number; logLoss: number }> {
  const startUp = await riverSlice(python, name, files.noRows, rows);
  const { usage, logLoss } = await riverSlice(python, name, files.rows, rows);
  return { rows, examplesPerCpuSecond: rows / (usage.cpuSeconds - startUp.usage.cpuSeconds), logLoss };
}

/** What the two sides did with one data set. */
export interface Comparison {
  readonly name: DataSetName;
  readonly rows: number;
  readonly features: number;
  readonly crosses: number;
  readonly startUp: { readonly ours: Usage; readonly vw: Usage };
  readonly rounds: readonly { readonly ours: Usage; readonly vw: Usage }[];
  /** Start-up subtracted, as in `ratioCpu`. */
  readonly oursExamplesPerCpuSecond: number;
  readonly vwExamplesPerCpuSecond: number;
  readonly ratioCpu: number;
  readonly ratioCpuWithStartUp: number;
  readonly ratioWall: number;
  readonly ratioWallWithStartUp: number;
  readonly oursLogLoss: number;
  readonly vwLogLoss: number;
  readonly vwVariant: string;
  readonly vwVariants: readonly object[];
  readonly river: object | null;
}

/** Returns the comparison on one data set: the best variant of Vowpal Wabbit and ours in turn, each in its own process. */
export async function compare(
  python: string,
  name: DataSetName,
  files: DataFiles,
  { rows, rounds, riverRows }: Extent,
  say: (line: string) => void,
): Promise<Comparison> {
  const ranked = await rankVariants(python, name, files.rows);
  const best = ranked[0];
  if (best === undefined) throw new RangeError('comparing: no variants, allowed 1 or more');
  const startUp = {
    ours: await repeated(START_UPS, () => ourSlice(name, files.noRows)),
    vw: await repeated(START_UPS, () => vwSlice(python, name, files.noRows, best.variant)),
  };
  const done: { vw: Usage; ours: Usage }[] = [];
  let oursLogLoss = NaN;
  for (let round = 1; round <= rounds; round++) {
    const vw = await vwSlice(python, name, files.rows, best.variant);
    const ours = await ourSlice(name, files.rows);
    oursLogLoss = ours.logLoss;
    done.push({ ours: ours.usage, vw: vw.usage });
    const [ourCpu, vwCpu] = [ours.usage.cpuSeconds, vw.usage.cpuSeconds];
    say(`${name} round ${String(round)}: CPU s vw ${vwCpu.toFixed(2)}, ours ${ourCpu.toFixed(2)}`);
  }
  const ours = medianUsage(done.map((round) => round.ours));
  const vw = medianUsage(done.map((round) => round.vw));
  const oursNet = ours.cpuSeconds - startUp.ours.cpuSeconds;
  const vwNet = vw.cpuSeconds - startUp.vw.cpuSeconds;
  return {
    name,
    rows,
    features: DATA_SETS[name].spec.features.length,
    crosses: DATA_SETS[name].spec.crosses.length,
    startUp,
    rounds: done,
    oursExamplesPerCpuSecond: rows / oursNet,
    vwExamplesPerCpuSecond: rows / vwNet,
    ratioCpu: vwNet / oursNet,
    ratioCpuWithStartUp: vw.cpuSeconds / ours.cpuSeconds,
    ratioWall: (vw.wallSeconds - startUp.vw.wallSeconds) / (ours.wallSeconds - startUp.ours.wallSeconds),
    ratioWallWithStartUp: vw.wallSeconds / ours.wallSeconds,
    oursLogLoss,
    vwLogLoss: best.logLoss,
    vwVariant: best.variant.join(' ') || 'default',
    vwVariants: ranked.map((one) => ({ ...one, variant: one.variant.join(' ') || 'default' })),
    river: riverRows > 0 ? await riverFigures(python, name, files, riverRows) : null,
  };
}
