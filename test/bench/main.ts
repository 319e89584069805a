/** `npm run bench -- NAME [options] [--json FILE]`: ratios, baseline and subject interleaved in one run. */
import { runProgram } from '../support/programs.ts';

process.exitCode = await runProgram(
  'bench',
  {
    'learner-core': () => import('./learner-core/bench.ts'),
  },
  process.argv.slice(2),
);
process.exit();
