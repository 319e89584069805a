import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildKernels } from '../../../deploy/kernel/build-kernels.ts';

test('the compiled kernels are those of their sources: `npm run kernel` after a change', async () => {
  for (const { path, text } of await buildKernels()) assert.equal(readFileSync(path, 'utf8'), text, path);
});
