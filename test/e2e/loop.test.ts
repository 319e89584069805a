import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { createModelClient } from '../../shared/client/model-client.ts';
import type { ModelClient, PredictionAsk } from '../../shared/client/model-client.ts';
import { serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const system = useSystem();

/** Returns a client of a model, closed after the tests. */
function clientOf(model: string): ModelClient {
  const client = createModelClient({
    model,
    routers: [system.url('router')],
    ingests: [system.url('ingest')],
  });
  after(() => {
    client.close();
  });
  return client;
}

const RED: PredictionAsk = { subject: 'someone', features: { colour: 'red' } };

test('an event that ingest acknowledged changes the next predictions', async () => {
  await serveSmallModel(system, 'one-event');
  const client = clientOf('one-event');
  const before = await client.predict(RED);
  assert.equal(before.score, 0.5);
  const [offset = -1] = await client.publish([smallEvent(0)]);
  const later = await waitUntil(
    async () => {
      const answer = await client.predict(RED);
      if (answer.snapshotPosition <= offset) throw new Error(`position ${String(answer.snapshotPosition)}`);
      return answer;
    },
    { what: 'an answer that has learned the event', limitMs: 10_000, everyMs: 5 },
  );
  assert.ok(later.score > 0.5, `score ${String(later.score)}`);
});

test('a late label finds its prediction and is learned once', async () => {
  await serveSmallModel(system, 'late-label');
  const nowMs = Date.now();
  const client = clientOf('late-label');
  const { predictionId } = await client.predict({ ...RED, predictedAtMs: nowMs - 600_000 });
  for (let times = 0; times < 3; times += 1) await client.feedback(predictionId, 1, { observedAtMs: nowMs });
  await untilLearned(system, 'late-label', 1);
  await client.publish([smallEvent(1)]);
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
  const { predictionId } = await clientOf('early-label').predict({ ...RED, id: 'given-by-the-client' });
  assert.equal(predictionId, '0~given-by-the-client');
  await untilLearned(system, 'early-label', 1);
});

test('an operator moves traffic from one version to its copy, and the same subjects stay', async () => {
  await serveSmallModel(system, 'two-versions');
  const events = Array.from({ length: 200 }, (_, index) => smallEvent(index));
  const client = clientOf('two-versions');
  await client.publish(events);
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
          const answer = await client.predict({ ...RED, subject: name });
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

test('ten thousand are scored in one request, in order, and logged; targets and headers choose versions', async () => {
  await serveSmallModel(system, 'many');
  const client = clientOf('many');
  const count = 10_000;
  function* asks(): Generator<PredictionAsk> {
    for (let index = 0; index < count; index += 1)
      yield { ...RED, id: `bulk-${String(index)}`, ...(index === 5000 ? { subject: '' } : {}) };
  }
  let index = 0;
  for await (const one of client.predictMany(asks())) {
    if (index === 5000) assert.equal(one.kind === 'refused' && one.problem.status, 400);
    else assert.equal(one.kind === 'answered' && one.answer.predictionId, `0~bulk-${String(index)}`);
    index += 1;
  }
  assert.equal(index, count);
  await client.feedback('0~bulk-9999', 1);
  await untilLearned(system, 'many', 1);

  const operator = system.operator('many');
  const second = await operator.addVersion({ mode: 'copy', parent: 1 });
  const targets = [
    { arm: 'candidate', subjects: ['tester'] },
    { arm: 'candidate', feature: 'colour', values: ['green'] },
  ];
  await operator.setTraffic({ stable: 1, candidate: second, candidateWeightBp: 0, targets });
  const versionOf = async (ask: PredictionAsk): Promise<number> => (await client.predict(ask)).version;
  await waitUntil(
    async () => {
      const version = await versionOf({ ...RED, subject: 'tester' });
      if (version !== second) throw new Error(`version ${String(version)}`);
    },
    { what: 'the router to follow the targets', limitMs: 10_000 },
  );
  assert.equal(await versionOf(RED), 1);
  assert.equal(await versionOf({ subject: 'someone', features: { colour: 'green' } }), second);
  const pinned = createModelClient({
    model: 'many',
    routers: [system.url('router')],
    ingests: [system.url('ingest')],
    version: 'candidate',
  });
  assert.equal((await pinned.predict(RED)).version, second);
  pinned.close();
});
