import { writeFileSync } from 'node:fs';
import { buildKernels } from './build-kernels.ts';

if (process.argv.includes('--help')) {
  console.log(
    'usage: npm run kernel\n\nCompiles the AssemblyScript of the learner (and of a bench) into files of base64.',
  );
} else {
  for (const { path, text } of await buildKernels()) {
    writeFileSync(path, text);
    console.log(`written: ${path}`);
  }
}
