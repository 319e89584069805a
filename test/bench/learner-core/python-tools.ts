import { join } from 'node:path';
import { runCommand } from '../../../deploy/local/run-command.ts';
import { pythonWith } from '../../support/python-environment.ts';

const PACKAGES = ['vowpalwabbit==9.11.9', 'river==0.26.1'];
const RUN_MEASURED = join(import.meta.dirname, 'run-measured.py');

/** What a process used: user and system time of all its threads, and time on the wall. */
export interface Usage {
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
}

/** What a measured process wrote and used. */
export interface MeasuredRun {
  readonly output: string;
  readonly usage: Usage;
}

/**
 * Returns the `python` of a virtual environment with the packages that we are compared with, installed now or by an earlier
 * run. Throws HeadraceError with what pip said when they cannot be.
 */
export function comparisonPython(): Promise<string> {
  return pythonWith('learner-core', PACKAGES);
}

/** Runs a command to its end and returns what it wrote and used; throws HeadraceError when it fails. */
export async function runMeasured(command: string, args: readonly string[]): Promise<MeasuredRun> {
  const output = await runCommand({ command: 'python3', args: [RUN_MEASURED, command, ...args] });
  const usage = /^usage (\{.*\})$/m.exec(output)?.[1];
  if (usage === undefined) throw new RangeError(`measuring ${command}: no usage in ${output}`);
  return { output, usage: JSON.parse(usage) as Usage };
}
