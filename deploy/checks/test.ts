/**
 * `npm test`: everything CI checks, all set-up included: the checks that need nothing, then every test in one run of
 * Node's own runner, whose count closes the output. Integration and e2e tests start the real components themselves.
 */
import { LINT, runStep, runSteps, STATIC_CHECKS, tests } from './steps.ts';

const HELP = `usage: npm test

lint, types, dependency rules, format, unused code; then unit, contract, conformance, integration and e2e tests on a
real Kafka, Redis and schema registry, which are set up first`;

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  const failed = await runSteps([LINT, ...STATIC_CHECKS]);
  const all = tests('tests', ['test/**/*.test.ts'], ['--test-concurrency=1', '--test-timeout=300000']);
  const { exitCode } = await runStep(all, true);
  return failed.length === 0 && exitCode === 0 ? 0 : 1;
}

process.exitCode = await main();
