import assert from 'node:assert/strict';
import { test } from 'node:test';
import { program } from './rollback-latency/proof.ts';

test('a rollback takes the candidate from every router, and how long that takes is told', async () => {
  const sizes = { rollbacks: 3, routers: 2, warmUps: 2, decisions: 2, everyMs: 5 };
  const { json } = await program.run(sizes, () => undefined);
  const { recordedToLastAnswer: figures, firstBadAnswerToDecision: failing } = json as {
    recordedToLastAnswer: { rounds: number[]; answers: number };
    firstBadAnswerToDecision: { rounds: { ms: number; requests: number }[] };
  };
  assert.equal(figures.rounds.length, 3);
  assert.equal(failing.rounds.length, 2);
  for (const { ms, requests } of failing.rounds) assert.ok(ms < 10_000 && requests > 0);
  for (const ms of figures.rounds) assert.ok(Math.abs(ms) < 10_000, String(ms));
});
