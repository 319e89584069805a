import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './rollback-latency/proof.ts';

test('a rollback takes the candidate from every router, and how long that takes is told', async () => {
  const { json } = await program.run({ rollbacks: 3, routers: 2, warmUps: 2, everyMs: 5 }, () => undefined);
  const { recordedToLastAnswer: figures } = json as {
    recordedToLastAnswer: { rounds: number[]; answers: number };
  };
  assert.equal(figures.rounds.length, 3);
  for (const ms of figures.rounds) assert.ok(Math.abs(ms) < 10_000, String(ms));
});
