import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketOf } from '../../../shared/domain/assignment.ts';
import type { Prediction } from '../../../shared/domain/events.ts';
import { answerOf, BODY, createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';

const subjects = Array.from({ length: 50 }, (_, i) => `subject-${String(i)}`);
const forCandidate = { ...BODY, subject: subjects.find((subject) => bucketOf('s', subject) < 5000) ?? '' };
const forStable = { ...BODY, subject: subjects.find((subject) => bucketOf('s', subject) >= 5000) ?? '' };
const rollout = { candidate: 2, candidateWeightBp: 5000 };

async function worldOfRollout(): Promise<RouterWorld> {
  const world = createWorld();
  for (const version of [1, 2]) await serve(world, version, version / 10);
  world.setPlan(rollout);
  return world;
}

/** Asks once and returns which version answered. */
async function answeredBy(world: RouterWorld, body = forCandidate): Promise<number> {
  const { version } = answerOf(await world.predict(body));
  await world.settle();
  return version;
}

const failedOf = (prediction: Prediction | undefined): (readonly [number, boolean])[] =>
  prediction?.scores.map(({ version, failed }) => [version, failed] as const) ?? [];

test('a lease that lapsed: stable answers, the probability is 0, and all versions are scored on', async () => {
  const world = await worldOfRollout();
  world.setPlan({ ...rollout, leaseEndsMs: world.clock.nowMs + 10 });
  assert.equal(await answeredBy(world), 2);
  world.clock.nowMs += 10;
  assert.equal(await answeredBy(world), 1);
  assert.equal(await answeredBy(world, forStable), 1);
  const logged = await world.logged();
  assert.deepEqual(
    logged.map((one) => [one.assignedArm, one.servedVersion, one.assignmentProbability]),
    [
      ['candidate', 2, 0.5],
      ['candidate', 1, 0],
      ['stable', 1, 0.5],
    ],
  );
  for (const one of logged) assert.equal(one.scores.length, 2);
  world.setPlan({ ...rollout, leaseEndsMs: world.clock.nowMs + 10 });
  assert.equal(await answeredBy(world), 2, 'a renewed lease brings the candidate back');
});

test('a candidate that keeps failing is left alone for a while: logged as failed, and named in the status', async () => {
  const world = await worldOfRollout();
  const isCandidate = (scores: Float32Array): boolean => Math.abs((scores[0] ?? 0) - 0.55) < 0.01;
  const ofCandidate = world.scorers.runs.length;
  let candidateRuns = 0;
  world.scorers.meddle((scores) => {
    if (!isCandidate(scores)) return scores;
    candidateRuns += 1;
    throw new Error('broken');
  });
  for (let asked = 0; asked < 9; asked += 1) assert.equal(await answeredBy(world), 1);
  assert.ok(world.scorers.runs.length > ofCandidate);
  assert.equal(candidateRuns, 5);
  const status = world.versions.status()[0]?.versions.find(({ version }) => version === 2);
  assert.deepEqual([status?.ready, status?.reason], [false, 'breaker: 5 runs failed in a row: broken']);
  const logged = await world.logged();
  assert.equal(logged.length, 9);
  for (const one of logged) {
    assert.deepEqual(failedOf(one), [
      [2, true],
      [1, false],
    ]);
    assert.equal(one.assignmentProbability, 0.5);
  }
  world.clock.nowMs += 10_000;
  assert.equal(await answeredBy(world), 1);
  assert.equal(candidateRuns, 6, 'one run decides anew');
  assert.equal(await answeredBy(world), 1);
  assert.equal(candidateRuns, 6);
  world.clock.nowMs += 10_000;
  world.scorers.meddle(undefined);
  assert.equal(await answeredBy(world), 2);
  assert.equal(world.versions.status()[0]?.versions[1]?.reason, '');
});

test('a candidate over its time budget has failed; stable may take what it takes', async () => {
  const world = await worldOfRollout();
  world.scorers.take(101);
  assert.equal(await answeredBy(world), 1);
  const [prediction] = await world.logged();
  assert.deepEqual(
    prediction?.scores.map(({ version, failed, scoringMicros }) => [version, failed, scoringMicros]),
    [
      [2, true, 101_000],
      [1, false, 101_000],
    ],
  );
  for (let asked = 0; asked < 8; asked += 1) assert.equal(await answeredBy(world, forStable), 1);
  world.setPlan({ stable: 2, candidate: null, candidateWeightBp: 0 });
  assert.equal(await answeredBy(world), 2, 'nobody leaves stable alone');
});

test('a candidate that hangs without traffic moves nobody’s answer, and is logged as failed once its budget is over', async () => {
  const world = await worldOfRollout();
  world.setPlan({ ...rollout, candidateWeightBp: 0 });
  let runs = 0;
  const answers: number[] = [];
  assert.equal(await answeredBy(world, forStable), 1); // both versions have run
  const ask = async (): Promise<void> => {
    const { version } = answerOf(await world.predict(forStable));
    answers.push(version);
  };
  world.scorers.holdOnly(() => runs++ > 0); // stable's run passes, what comes after it hangs
  await ask();
  await world.settle();
  runs = -1000;
  for (let asked = 0; asked < 20; asked += 1) await ask();
  assert.deepEqual(
    answers,
    Array.from({ length: 21 }, () => 1),
  );
  assert.equal((await world.logged()).length, 1, 'the candidate’s scores are waited for');
  world.timers.runOut(100);
  const logged = await world.logged();
  assert.equal(logged.length, 22);
  for (const one of logged.slice(1)) {
    assert.deepEqual(failedOf(one), [
      [1, false],
      [2, true],
    ]);
  }
  for (let asked = 0; asked < 5; asked += 1) await ask();
  assert.equal((await world.logged()).length, 27, 'while it hangs nobody waits for it any more');
  world.scorers.release();
  await world.settle();
  assert.equal(await answeredBy(world, forStable), 1);
  assert.deepEqual(failedOf((await world.logged()).at(-1)), [
    [1, false],
    [2, false],
  ]);
});
