import { defineProgram } from '../../support/programs.ts';
import { compare } from './compare.ts';
import type { Comparison } from './compare.ts';
import { dataFiles } from './data-files.ts';
import { DATA_SET_NAMES } from './data-set.ts';
import { comparisonPython } from './python-tools.ts';

/** Our examples per CPU-second, at least so many times Vowpal Wabbit's. */
const RATIO_MIN = 3;

function summaryOf(one: Comparison): string[] {
  const thousand = (count: number): string => `${Math.round(count / 1000).toLocaleString('en')}k`;
  const ratio = (number: number): string => number.toFixed(2);
  return [
    `${one.name}: ${thousand(one.rows)} rows, ${String(one.features)} features, ${String(one.crosses)} crosses`,
    `  examples per CPU-second  ours ${thousand(one.oursExamplesPerCpuSecond)}, vw ${thousand(one.vwExamplesPerCpuSecond)}`,
    `  ratio of CPU time        ${ratio(one.ratioCpu)} (start-up counted: ${ratio(one.ratioCpuWithStartUp)})`,
    `  ratio of wall time       ${ratio(one.ratioWall)} (start-up counted: ${ratio(one.ratioWallWithStartUp)})`,
    `  progressive log-loss     ours ${one.oursLogLoss.toFixed(6)}, vw ${one.vwLogLoss.toFixed(6)} (${one.vwVariant})`,
    `  river                    ${one.river === null ? 'left out' : JSON.stringify(one.river)}`,
  ];
}

function faultsOf({ name, ratioCpu, oursLogLoss, vwLogLoss }: Comparison): string[] {
  const faults: string[] = [];
  if (!(ratioCpu >= RATIO_MIN)) {
    faults.push(`${name}: ratio of CPU time ${ratioCpu.toFixed(2)}, allowed ${String(RATIO_MIN)} or more`);
  }
  if (!(oursLogLoss <= vwLogLoss)) {
    faults.push(`${name}: log-loss ${oursLogLoss.toFixed(6)}, allowed up to vw's ${vwLogLoss.toFixed(6)}`);
  }
  return faults;
}

/**
 * Ours and Vowpal Wabbit on the very same bytes, each as a process of its own whose threads' CPU time is counted whole and
 * from which what it uses on an empty file is subtracted. Both make the crosses themselves. The loss is the mean of -log p
 * with the logit clipped to ±50, on both sides, before each row is learned.
 */
export const program = defineProgram({
  about: 'parse, hash and learn: our learner against Vowpal Wabbit on the same file, CPU time and log-loss',
  options: {
    flights: { default: 1_500_000, min: 1000, max: 3_000_000, help: 'rows of the flights' },
    synthetic: { default: 1_000_000, min: 1000, max: 10_000_000, help: 'rows of the synthetic set' },
    rounds: { default: 7, min: 1, max: 100, help: 'interleaved rounds' },
    river: { default: 20_000, min: 0, max: 1_000_000, help: 'rows for River, 0 for none' },
  },
  run: async (options, say) => {
    const python = await comparisonPython();
    say('python packages are there');
    const datasets: Comparison[] = [];
    for (const name of DATA_SET_NAMES) {
      const rows = options[name];
      const files = await dataFiles(name, rows);
      say(`${name}: ${String(rows)} rows are there`);
      const extent = { rows, rounds: options.rounds, riverRows: Math.min(rows, options.river) };
      datasets.push(await compare(python, name, files, extent, say));
    }
    return {
      json: { datasets },
      summary: datasets.flatMap(summaryOf),
      faults: datasets.flatMap(faultsOf),
    };
  },
});
