import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './checkpoint-damage/proof.ts';

test('every damage of a stored state is detected and mended, and a position that does not fit the log stops its shard alone', async () => {
  const said: string[] = [];
  const { faults } = await program.run({ rounds: 1, damages: 7, seed: 3 }, (line) => said.push(line));
  assert.deepEqual(faults, [], said.join('\n'));
});
