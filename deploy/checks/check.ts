/** `npm run check`: everything that needs no Kafka, two steps at a time, in under a minute. */
import { LINT, runStep, STATIC_CHECKS, tests } from './steps.ts';
import type { Step, StepResult } from './steps.ts';

const HELP = `usage: npm run check

format, lint, dependency rules, unused code, types, unit, contract (on fakes) and conformance tests`;

const STEPS: readonly Step[] = [
  { ...LINT, args: [...LINT.args, '--cache', '--cache-location', '.headrace/cache/eslint'] },
  tests('tests', ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/conformance/**/*.test.ts']),
  ...STATIC_CHECKS,
];
const AT_ONCE = 2;

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  const startMs = performance.now();
  const queue = [...STEPS];
  const results: StepResult[] = [];
  const worker = async (): Promise<void> => {
    for (let step = queue.shift(); step !== undefined; step = queue.shift()) {
      const result = await runStep(step, false);
      results.push(result);
      const seconds = `${result.seconds.toFixed(1)} s`;
      console.log(`${result.exitCode === 0 ? 'ok    ' : 'FAILED'} ${step.name.padEnd(18)} ${seconds}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const failed = results.filter(({ exitCode }) => exitCode !== 0);
  for (const { step, output } of failed) console.log(`\n── ${step.name}\n${output}`);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    failed.length === 0
      ? `all ${String(results.length)} checks pass in ${seconds} s`
      : `${String(failed.length)} failed in ${seconds} s`,
  );
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
