import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './history/proof.ts';

test('the chain of a running system is whole, and every forgery of a copy is named at its place', async () => {
  const { faults, json } = await program.run({ tries: 3 }, () => undefined);
  assert.deepEqual(faults, []);
  const { whole, events, forgeries, forgeriesNamed } = json as Record<string, number | boolean>;
  assert.equal(whole, true);
  assert.ok(Number(events) > 20 && Number(forgeries) > 100);
  assert.equal(forgeriesNamed, forgeries);
});
