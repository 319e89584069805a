import { spawn } from 'node:child_process';

/** One thing that is checked, as a command. */
export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

/** What a step said. */
export interface StepResult {
  readonly step: Step;
  readonly exitCode: number;
  readonly output: string;
  readonly seconds: number;
}

/** Runs a step and returns what it said; `isLive` lets it write to the terminal as it goes. */
export function runStep(step: Step, isLive: boolean): Promise<StepResult> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(step.command, [...step.args], {
      stdio: ['ignore', isLive ? 'inherit' : 'pipe', isLive ? 'inherit' : 'pipe'],
    });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = (performance.now() - startMs) / 1000;
      resolve({ step, exitCode: code ?? 1, output: Buffer.concat(chunks).toString('utf8'), seconds });
    });
  });
}

/** How many steps run at a time. */
const AT_ONCE = 2;

/** Runs steps, two at a time, prints a line for each as it ends, and returns what those that failed said. */
export async function runSteps(steps: readonly Step[]): Promise<readonly StepResult[]> {
  const queue = [...steps];
  const failed: StepResult[] = [];
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const result = await runStep(step, false);
      const isGood = result.exitCode === 0;
      if (!isGood) failed.push(result);
      console.log(`${isGood ? 'ok    ' : 'FAILED'} ${step.name.padEnd(18)} ${result.seconds.toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  for (const { step, output } of failed) console.log(`\n── ${step.name}\n${output}`);
  return failed;
}

/** A program of node_modules, run by the Node that runs us. */
function tool(name: string, script: string, args: readonly string[]): Step {
  return { name, command: process.execPath, args: [`node_modules/${script}`, ...args] };
}

/** Tests of some folders, by Node's own runner. */
export function tests(name: string, globs: readonly string[], options: readonly string[] = []): Step {
  return { name, command: process.execPath, args: ['--test', '--test-reporter=spec', ...options, ...globs] };
}

/** Lint with the rules that know types. */
export const LINT = tool('lint', 'eslint/bin/eslint.js', ['.']);

/** What else can be told without running the code. */
export const STATIC_CHECKS: readonly Step[] = [
  tool('types', 'typescript/bin/tsc', ['-p', '.']),
  tool('types of the page', 'typescript/bin/tsc', ['-p', 'services/monitor/web']),
  tool('format', 'prettier/bin/prettier.cjs', ['--check', '--log-level', 'warn', '.']),
  tool('dependency rules', 'dependency-cruiser/bin/dependency-cruiser.mjs', [
    '--config',
    '.dependency-cruiser.cjs',
    'services',
    'shared',
    'deploy',
    'test',
  ]),
  tool('unused code', 'knip/bin/knip.js', []),
];
