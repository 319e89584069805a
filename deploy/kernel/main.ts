import { writeFileSync } from 'node:fs';
import { buildKernels, KERNEL_FILE } from './build-kernel.ts';

if (process.argv.includes('--help')) {
  console.log(
    'usage: npm run kernel\n\nCompiles services/online-learner/kernel into services/online-learner/domain.',
  );
} else {
  writeFileSync(KERNEL_FILE, await buildKernels());
  console.log(`written: ${KERNEL_FILE}`);
}
