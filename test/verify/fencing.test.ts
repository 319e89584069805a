import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './fencing/proof.ts';

test('of learners that all believe they own a shard only the last changes anything, and nothing is lost or doubled', async () => {
  const said: string[] = [];
  const sizes = { interleavings: 40, freezes: 1, rebalances: 4, models: 5, seed: 5 };
  const { faults } = await program.run(sizes, (line) => said.push(line));
  assert.deepEqual(faults, [], said.join('\n'));
});
