import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadraceError } from '../../../shared/errors.ts';
import { bucketOf } from '../../../shared/domain/assignment.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { answerOf, BODY, createWorld, serve } from './router-world.ts';
import { scoreOf, weightsOf } from './snapshot-records.ts';

const SCORE = {
  1: scoreOf(weightsOf(0.1), [null, null, null]),
  2: scoreOf(weightsOf(0.2), [null, null, null]),
};
const kafkaAway = new HeadraceError('writing 1 records: broker away', {
  code: 'kafka-unavailable',
  retriable: true,
});
const subjects = Array.from({ length: 50 }, (_, i) => `subject-${String(i)}`);
const forCandidate = { ...BODY, subject: subjects.find((subject) => bucketOf('s', subject) < 5000) ?? '' };
const forStable = { ...BODY, subject: subjects.find((subject) => bucketOf('s', subject) >= 5000) ?? '' };
const rollout = { candidate: 2, candidateWeightBp: 5000 };

test('a model that does not exist is not found', async () => {
  const world = createWorld();
  const result = await world.router.predict({
    model: 'nothing',
    body: BODY,
    arrivedMs: 0,
    traceparent: undefined,
  });
  assert.deepEqual(result, { kind: 'not-found', reason: 'model nothing does not exist' });
  assert.equal(world.told.count('request predict  not-found'), 1); // the name a client made up is no label
});

test('a model without a stable version, or whose stable version is not ready, is unavailable for now', async () => {
  const world = createWorld();
  assert.deepEqual(await world.predict(BODY), {
    kind: 'unavailable',
    reason: 'version 1 of clicks cannot answer: no snapshot yet',
  });
  world.setPlan({ stable: null });
  assert.deepEqual(await world.predict(BODY), {
    kind: 'unavailable',
    reason: 'model clicks has no stable version',
  });
  assert.deepEqual(await world.logged(), []);
});

test('an answer says version, score, arm, and how new the parameters are', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  assert.deepEqual(answerOf(await world.predict({ ...BODY, id: 'mine' })), {
    model: 'clicks',
    predictionId: '0~mine',
    version: 1,
    score: SCORE[1],
    arm: 'stable',
    snapshotPosition: 100,
    learnedToMs: 5000,
    stalenessMs: 1000,
    planVersion: 7,
  });
});

test('what is logged is the answer with its features, in the partition of the shard, with the first trace context', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  await world.predict({ ...BODY, predictedAtMs: 1234 }, '00-trace');
  assert.deepEqual(await world.logged(), [
    {
      id: '0~id-0',
      predictedAtMs: 1234,
      subject: 'user-1',
      features: ['north', true, 12.5],
      planVersion: 7,
      assignedArm: 'stable',
      servedVersion: 1,
      assignmentProbability: 1,
      position: 100,
      learnedToMs: 5000,
      stalenessMs: 1000,
      latencyMicros: 0,
      scores: [{ version: 1, score: SCORE[1], scoringMicros: 250, failed: false }],
    },
  ]);
  const [record] = world.sent;
  assert.deepEqual(
    { ...record, value: undefined },
    {
      topic: 'predictions.v1',
      key: 'clicks#0',
      partition: partitionOf('clicks#0', 4),
      headers: { traceparent: '00-trace' },
      value: undefined,
    },
  );
});

test('N requests of one turn make one run per version', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  await serve(world, 2, 0.2);
  world.setPlan(rollout);
  const before = world.scorers.runs.length;
  await Promise.all(Array.from({ length: 30 }, () => world.predict(forStable)));
  assert.deepEqual(world.scorers.runs.slice(before), [30]);
  await world.settle();
  assert.deepEqual(world.scorers.runs.slice(before), [30, 30]); // the candidate, after the answers
});

test('the assigned version answers; candidate and shadows are scored after it and logged', async () => {
  const world = createWorld();
  for (const version of [1, 2, 3]) await serve(world, version, version / 10);
  world.setPlan({ ...rollout, shadows: [3] });
  const answer = answerOf(await world.predict(forCandidate));
  assert.deepEqual([answer.version, answer.arm, answer.score], [2, 'candidate', SCORE[2]]);
  const [prediction] = await world.logged();
  assert.deepEqual(
    [prediction?.assignedArm, prediction?.servedVersion, prediction?.assignmentProbability],
    ['candidate', 2, 0.5],
  );
  assert.deepEqual(
    prediction?.scores.map(({ version }) => version),
    [2, 1, 3],
  );
});

test('a candidate that is not ready: stable answers, and the logged probability is 0', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  world.setPlan(rollout);
  const answer = answerOf(await world.predict(forCandidate));
  assert.deepEqual([answer.version, answer.arm], [1, 'candidate']);
  assert.equal(answerOf(await world.predict(forStable)).arm, 'stable');
  const logged = await world.logged();
  assert.deepEqual(
    logged.map((one) => [one.assignedArm, one.servedVersion, one.assignmentProbability, one.scores.length]),
    [
      ['candidate', 1, 0, 1],
      ['stable', 1, 0.5, 1],
    ],
  );
  assert.equal(world.told.count('request predict clicks fallback'), 1);
});

for (const [how, change] of [
  [
    'throws',
    (): never => {
      throw new Error('broken');
    },
  ],
  ['gives NaN', (scores: Float32Array): Float32Array => scores.map(() => NaN)],
] as const) {
  test(`a candidate that ${how}: stable answers, the prediction says who was assigned and that the candidate failed`, async () => {
    const world = createWorld();
    await serve(world, 1, 0.1);
    await serve(world, 2, 0.2);
    world.setPlan(rollout);
    let runs = 0;
    world.scorers.meddle((scores) => (runs++ === 0 ? change(scores) : scores));
    const answer = answerOf(await world.predict(forCandidate));
    assert.deepEqual([answer.version, answer.arm, answer.score], [1, 'candidate', SCORE[1]]);
    const [prediction] = await world.logged();
    assert.deepEqual(
      [prediction?.assignedArm, prediction?.servedVersion, prediction?.assignmentProbability],
      ['candidate', 1, 0.5],
    );
    assert.deepEqual(
      prediction?.scores.map(({ version, score, failed }) => ({ version, score, failed })),
      [
        { version: 2, score: null, failed: true },
        { version: 1, score: SCORE[1], failed: false },
      ],
    );
  });
}

test('a shadow that throws does no harm, and its failure is logged', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  await serve(world, 3, 0.3);
  world.setPlan({ shadows: [3] });
  let runs = 0;
  world.scorers.meddle((scores) => {
    if (runs++ === 0) return scores;
    throw new Error('broken');
  });
  assert.equal(answerOf(await world.predict(BODY)).version, 1);
  const [prediction] = await world.logged();
  assert.deepEqual(
    prediction?.scores.map(({ version, failed }) => [version, failed]),
    [
      [1, false],
      [3, true],
    ],
  );
});

test('when stable itself fails there is no answer, and nothing is logged', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  world.scorers.meddle(() => Float32Array.of(NaN));
  assert.deepEqual(await world.predict(BODY), {
    kind: 'unavailable',
    reason: 'version 1 of clicks cannot answer: it failed to score',
  });
  assert.deepEqual(await world.logged(), []);
});

test('with Kafka away requests go on being answered, and what was answered is written when it is back', async () => {
  const world = createWorld();
  await serve(world, 1, 0.1);
  world.failSends(kafkaAway);
  for (let i = 0; i < 5; i++) answerOf(await world.predict(BODY));
  assert.deepEqual(await world.logged(), []);
  world.failSends(undefined);
  assert.equal((await world.logged()).length, 5);
});

test('predictions beyond the log’s room are answered, not logged, and counted', async () => {
  const world = createWorld({ capacityBytes: 1000 });
  await serve(world, 1, 0.1);
  world.holdSends();
  for (let i = 0; i < 10; i++) answerOf(await world.predict(BODY));
  const dropped = world.told.count('logDropped clicks full 1');
  assert.ok(dropped >= 6 && dropped < 10, String(dropped));
  world.releaseSends();
  assert.equal((await world.logged()).length, 10 - dropped);
  answerOf(await world.predict(BODY));
  assert.equal((await world.logged()).length, 11 - dropped);
});

test('where the log must be acknowledged the answer waits for it, with every score in it', async () => {
  const world = createWorld({ spec: { predictionLog: 'acknowledged' } });
  await serve(world, 1, 0.1);
  await serve(world, 3, 0.3);
  world.setPlan({ shadows: [3] });
  world.holdSends();
  let isAnswered = false;
  const asked = world.predict(BODY).finally(() => {
    isAnswered = true;
  });
  await world.settle();
  assert.equal(isAnswered, false);
  world.releaseSends();
  answerOf(await asked);
  assert.deepEqual(
    (await world.logged())[0]?.scores.map(({ version }) => version),
    [1, 3],
  );
});

test('where the log must be acknowledged a failed write, or no room, is no answer', async () => {
  const world = createWorld({ spec: { predictionLog: 'acknowledged' }, capacityBytes: 400 });
  await serve(world, 1, 0.1);
  world.failSends(kafkaAway);
  const failed = await world.predict(BODY);
  assert.deepEqual(failed, {
    kind: 'unavailable',
    reason: 'the prediction could not be logged: writing 1 records: broker away',
  });
  world.failSends(undefined);
  world.holdSends();
  const first = world.predict(BODY);
  await world.settle();
  assert.deepEqual(await world.predict(BODY), { kind: 'unavailable', reason: 'the prediction log is full' });
  world.releaseSends();
  answerOf(await first);
});
