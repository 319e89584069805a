/** `npm run verify -- NAME [options] [--json FILE]`: long proofs; a small size of each runs in `npm test`. */
import { runProgram } from '../support/programs.ts';

process.exitCode = await runProgram(
  'verify',
  {
    recovery: () => import('./recovery/proof.ts'),
    delivery: () => import('./delivery/proof.ts'),
    fencing: () => import('./fencing/proof.ts'),
    'checkpoint-damage': () => import('./checkpoint-damage/proof.ts'),
    history: () => import('./history/proof.ts'),
    operators: () => import('./operators/proof.ts'),
    'fuzz-router': () => import('./fuzz-router/proof.ts'),
    'router-faults': () => import('./router-faults/proof.ts'),
    'rollback-latency': () => import('./rollback-latency/proof.ts'),
    rollouts: () => import('./rollouts/proof.ts'),
    'verdicts-aa': () => import('./verdicts-aa/proof.ts'),
    'verdicts-power': () => import('./verdicts-power/proof.ts'),
    'verdicts-policy': () => import('./verdicts-policy/proof.ts'),
    'verdicts-traps': () => import('./verdicts-traps/proof.ts'),
  },
  process.argv.slice(2),
);
process.exit();
