/** `npm run check`: everything that needs no Kafka, two steps at a time, in under a minute. */
import { LINT, runSteps, STATIC_CHECKS, tests } from './steps.ts';
import type { Step } from './steps.ts';

const HELP = `usage: npm run check

format, lint, dependency rules, unused code, types, unit, contract (on fakes) and conformance tests`;

const STEPS: readonly Step[] = [
  { ...LINT, args: [...LINT.args, '--cache', '--cache-location', '.headrace/cache/eslint'] },
  tests('tests', ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts', 'test/conformance/**/*.test.ts']),
  ...STATIC_CHECKS,
];

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  const startMs = performance.now();
  const failed = await runSteps(STEPS);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  console.log(
    failed.length === 0
      ? `all ${String(STEPS.length)} checks pass in ${seconds} s`
      : `${String(failed.length)} failed in ${seconds} s`,
  );
  return failed.length === 0 ? 0 : 1;
}

process.exitCode = await main();
