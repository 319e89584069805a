import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './fuzz-router/proof.ts';

test('ten thousand malformed inputs crash nothing, and each is refused with a problem document', async () => {
  const { faults, json } = await program.run(
    { inputs: 10_000, calls: 2000, files: 20, seed: 7, lanes: 8 },
    () => undefined,
  );
  const { inputs, crashes, notProblemDocuments } = json as Record<string, number>;
  // How long the event loop stood still is a time, which the full size judges and a test does not.
  assert.deepEqual(
    faults.filter((fault) => !fault.startsWith('the event loop')),
    [],
  );
  assert.deepEqual([inputs, crashes, notProblemDocuments], [10_000, 0, 0]);
});
