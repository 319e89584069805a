/** `npm run bench -- NAME [options] [--json FILE]`: ratios, baseline and subject interleaved in one run. */
import { runProgram } from '../support/programs.ts';

process.exitCode = await runProgram(
  'bench',
  {
    freshness: () => import('./freshness/bench.ts'),
    'learner-stream': () => import('./learner-stream/bench.ts'),
    checkpoint: () => import('./checkpoint/bench.ts'),
    'recovery-time': () => import('./recovery-time/bench.ts'),
    router: () => import('./router/bench.ts'),
    arms: () => import('./arms/bench.ts'),
    swaps: () => import('./swaps/bench.ts'),
    scale: () => import('./scale/bench.ts'),
    models: () => import('./models/bench.ts'),
    overload: () => import('./overload/bench.ts'),
    growth: () => import('./growth/bench.ts'),
    'learner-core': () => import('./learner-core/bench.ts'),
  },
  process.argv.slice(2),
);
process.exit();
