import { join } from 'node:path';
import { DATA_SETS, TABLE_BITS } from './data-set.ts';
import type { DataSetName } from './data-set.ts';
import { runMeasured } from './python-tools.ts';
import type { Usage } from './python-tools.ts';
import { crossArguments } from './row-text.ts';

/** One pass of one side over a file. */
export interface Slice {
  readonly usage: Usage;
  /** Mean log-loss of predictions made before each row was learned; NaN for a file of no rows. */
  readonly logLoss: number;
}

/** A way to call Vowpal Wabbit. */
export type VwVariant = readonly string[];

const VW_ALWAYS = ['--loss_function', 'logistic', '--link', 'logistic', '-b', String(TABLE_BITS)];
// A progress line only after so many rows: --quiet would keep the final loss to itself.
const VW_SILENT = ['-P', '1000000000'];

function ftrlGrid(alphas: readonly number[], betas: readonly number[], l2s: readonly number[]): VwVariant[] {
  return alphas.flatMap((alpha) =>
    betas.flatMap((beta) =>
      l2s.map((l2) => {
        const rates = { ftrl_alpha: alpha, ftrl_beta: beta, l2 };
        return ['--ftrl', ...Object.entries(rates).flatMap(([name, rate]) => [`--${name}`, String(rate)])];
      }),
    ),
  );
}

/** Its defaults (learning rate 0.5), twice that, and `--ftrl` over all that ours was chosen from, its own defaults included. */
export const VW_VARIANTS: readonly VwVariant[] = [
  [],
  ['-l', '1'],
  ...ftrlGrid([0.1, 0.2, 0.5, 1], [0.1, 1], [0, 2]),
];

/** Returns one pass of ours, in a process of its own. */
export async function ourSlice(name: DataSetName, file: string): Promise<Slice> {
  const { output, usage } = await runMeasured(process.execPath, [
    join(import.meta.dirname, 'our-slice.ts'),
    name,
    file,
  ]);
  return { usage, logLoss: lossInJson(output) };
}

/** Returns one pass of Vowpal Wabbit's own loop over its own text format. */
export async function vwSlice(
  python: string,
  name: DataSetName,
  file: string,
  variant: VwVariant,
): Promise<Slice> {
  const crosses = crossArguments(DATA_SETS[name].spec);
  const args = ['-m', 'vowpalwabbit', '-d', file, ...VW_SILENT, ...VW_ALWAYS, ...crosses, ...variant];
  const { output, usage } = await runMeasured(python, args);
  return { usage, logLoss: Number(/^average loss = ([\d.]+)/m.exec(output)?.[1] ?? NaN) };
}

/** Returns one pass of River over the first rows, with our rates. */
export async function riverSlice(
  python: string,
  name: DataSetName,
  file: string,
  rows: number,
): Promise<Slice> {
  const { config, spec } = DATA_SETS[name];
  const rates = [config.alpha, config.beta, config.l1, config.l2, TABLE_BITS].map(String);
  const crosses = crossArguments(spec).filter((argument) => !argument.startsWith('-'));
  const script = join(import.meta.dirname, 'river-slice.py');
  const { output, usage } = await runMeasured(python, [script, file, String(rows), ...rates, ...crosses]);
  return { usage, logLoss: lossInJson(output) };
}

function lossInJson(output: string): number {
  const line = /^\{.*\}$/m.exec(output)?.[0] ?? '{}';
  return (JSON.parse(line) as { logLoss?: number | null }).logLoss ?? NaN;
}
