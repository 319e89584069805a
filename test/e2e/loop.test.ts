import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();

interface Answer {
  readonly predictionId: string;
  readonly version: number;
  readonly score: number;
  readonly snapshotPosition: number;
  readonly arm: string;
}

async function predict(model: string, colour: string, more: object = {}): Promise<Answer> {
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('router')}/v1/models/${model}/predict`,
    {
      subject: 'someone',
      features: { colour },
      ...more,
    },
  );
  assert.equal(status, 200, JSON.stringify(body));
  return body as Answer;
}

test('an event that ingest acknowledged changes the next predictions', async () => {
  await serveSmallModel(system, 'one-event');
  const before = await predict('one-event', 'red');
  assert.equal(before.score, 0.5);
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/one-event/events`,
    smallEvent(0),
  );
  assert.equal(status, 202);
  const offset = (body as { items: { offset: number }[] }).items[0]?.offset ?? -1;
  const after = await waitUntil(
    async () => {
      const answer = await predict('one-event', 'red');
      if (answer.snapshotPosition <= offset) throw new Error(`position ${String(answer.snapshotPosition)}`);
      return answer;
    },
    { what: 'an answer that has learned the event', limitMs: 10_000, everyMs: 5 },
  );
  assert.ok(after.score > 0.5, `score ${String(after.score)}`);
});

test('a late label finds its prediction and is learned once', async () => {
  await serveSmallModel(system, 'late-label');
  const nowMs = Date.now();
  const { predictionId } = await predict('late-label', 'red', { predictedAtMs: nowMs - 600_000 });
  const label = { predictionId, label: 1, observedAtMs: nowMs };
  for (let times = 0; times < 3; times += 1) {
    const { status } = await system.http.send(
      'POST',
      `${system.url('ingest')}/v1/models/late-label/labels`,
      label,
    );
    assert.equal(status, 202);
  }
  await untilLearned(system, 'late-label', 1);
  await system.http.send('POST', `${system.url('ingest')}/v1/models/late-label/events`, smallEvent(1));
  await untilLearned(system, 'late-label', 2);
});

test('an early label waits for its prediction', async () => {
  await serveSmallModel(system, 'early-label');
  const label = { subject: 'someone', id: 'given-by-the-client', label: 1 };
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/early-label/labels`,
    label,
  );
  assert.equal(status, 202);
  assert.equal((body as { items: { id: string }[] }).items[0]?.id, '0~given-by-the-client');
  const { predictionId } = await predict('early-label', 'red', { id: 'given-by-the-client' });
  assert.equal(predictionId, '0~given-by-the-client');
  await untilLearned(system, 'early-label', 1);
});

test('an operator moves traffic from one version to its copy, and the same subjects stay', async () => {
  await serveSmallModel(system, 'two-versions');
  const events = Array.from({ length: 200 }, (_, index) => smallEvent(index));
  await system.http.send('POST', `${system.url('ingest')}/v1/models/two-versions/events`, events);
  await untilLearned(system, 'two-versions', 200);
  const operator = system.operator('two-versions');
  const second = await operator.addVersion({ mode: 'copy', parent: 1, learner: { alpha: 0.1 } });
  const armsAt = async (candidateWeightBp: number): Promise<Map<string, number>> => {
    const { planVersion } = await operator.setTraffic({ stable: 1, candidate: second, candidateWeightBp });
    const versions = new Map<string, number>();
    await waitUntil(
      async () => {
        for (let subject = 0; subject < 100; subject += 1) {
          const name = `subject-${String(subject)}`;
          const { status, body } = await system.http.send(
            'POST',
            `${system.url('router')}/v1/models/two-versions/predict`,
            {
              subject: name,
              features: { colour: 'red' },
            },
          );
          assert.equal(status, 200);
          const answer = body as Answer & { planVersion: number };
          if (answer.planVersion !== planVersion) throw new Error(`plan ${String(answer.planVersion)}`);
          if (candidateWeightBp === 10_000 && answer.version !== second)
            throw new Error(`version ${String(answer.version)}`);
          versions.set(name, answer.version);
        }
      },
      { what: `the router to follow plan ${String(planVersion)}`, limitMs: 10_000 },
    );
    return versions;
  };
  const candidates = (versions: Map<string, number>): string[] =>
    [...versions].filter(([, version]) => version === second).map(([name]) => name);
  assert.deepEqual(candidates(await armsAt(0)), []);
  const atTen = candidates(await armsAt(1000));
  const atHalf = candidates(await armsAt(5000));
  assert.ok(atTen.length > 0 && atTen.length < 30, `${String(atTen.length)} of 100 at 10 %`);
  assert.ok(atHalf.length > 30 && atHalf.length < 70, `${String(atHalf.length)} of 100 at 50 %`);
  assert.ok(
    atTen.every((name) => atHalf.includes(name)),
    'raising the weight moves nobody back',
  );
  assert.equal(candidates(await armsAt(10_000)).length, 100);
});
