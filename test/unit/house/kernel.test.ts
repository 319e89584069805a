import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildKernels, KERNEL_FILE } from '../../../deploy/kernel/build-kernel.ts';

test('the compiled kernels are those of its sources: `npm run kernel` after a change', async () => {
  assert.equal(readFileSync(KERNEL_FILE, 'utf8'), await buildKernels());
});
