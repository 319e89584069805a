import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './router-faults/proof.ts';

test('two routers that start again without Kafka answer from their disks, by stable alone, and go back to Kafka by themselves', async () => {
  const { faults, json } = await program.run({ seconds: 1, rungs: 1, seed: 1 }, () => undefined);
  assert.deepEqual(faults, []);
  const { requests, failed, wrongVersion } = json as Record<string, number>;
  assert.deepEqual([failed, wrongVersion], [0, 0]);
  assert.ok(Number(requests) > 100);
});
