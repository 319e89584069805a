import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program as falseAlarms } from './verdicts-aa/proof.ts';
import { program as policy } from './verdicts-policy/proof.ts';
import { program as power } from './verdicts-power/proof.ts';
import { program as traps } from './verdicts-traps/proof.ts';

async function faultsOf(program: typeof traps, options: Record<string, number>): Promise<readonly string[]> {
  const { faults } = await program.run(options, () => undefined);
  return faults;
}

test('no rule alarms more often than it may in rollouts in which nothing is wrong', async () => {
  assert.deepEqual(await faultsOf(falseAlarms, { rollouts: 60 }), []);
});

test('no decision takes much longer than the tables say', async () => {
  assert.deepEqual(await faultsOf(power, { runs: 31 }), []);
});

test('no candidate that looks good to those who count wrongly is promoted', async () => {
  assert.deepEqual(await faultsOf(traps, { attempts: 20 }), []);
});

test('whole rollouts on real flights end as their candidates deserve', async () => {
  assert.deepEqual(await faultsOf(policy, { rollouts: 4, seed: 1 }), []);
});
