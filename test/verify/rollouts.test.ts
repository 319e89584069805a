import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './rollouts/proof.ts';

test('rollouts end as they should, no request fails and no answer is one that no plan allowed, whoever is killed', async () => {
  const sizes = { count: 4, models: 2, roundSize: 10, roundMs: 150, killEveryMs: 3000, seed: 3 };
  const { faults, json } = await program.run(sizes, () => undefined);
  assert.deepEqual(faults, []);
  const found = json as Record<string, number>;
  assert.deepEqual([found['rollouts'], found['failed'], found['disallowed']], [4, 0, 0]);
  assert.ok(Number(found['kills']) > 0 && Number(found['requests']) > 100);
});
