import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import type { ModelVersionEvent } from '../../shared/domain/events.ts';
import type { RolloutBody } from '../../shared/domain/model-directory.ts';
import { colourLogits, judgedSpec, LEARNERS, QUICK_POLICY } from '../support/judged-model.ts';
import { startJudgedTraffic } from '../support/judged-traffic.ts';
import type { JudgedTraffic } from '../support/judged-traffic.ts';
import { lookUpFile } from '../support/onnx-files.ts';
import { judgeAnswers } from '../support/plans-in-force.ts';
import { rolloutClient } from '../support/rollouts.ts';
import { learnerState } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { readHistory, walkChain } from '../verify/history/walk.ts';

const GRACE_MS = 1000;
const system = useSystem({ instances: { router: 2 }, env: { STATUS_INTERVAL_MS: '500' } });

/** Returns a served model with traffic, whose stable version has learned enough to be worth comparing with. */
async function serve(
  t: TestContext,
  model: string,
  seed: number,
  policy: object = QUICK_POLICY,
): Promise<JudgedTraffic> {
  const operator = system.operator(model);
  await operator.createModel(judgedSpec(model, policy));
  await operator.setTraffic({ stable: await operator.addVersion({ mode: 'cold' }) });
  const routers = system.fleet.all.filter(({ name }) => name === 'router');
  for (const { url } of routers)
    await waitUntil(
      async () => {
        const body = { subject: 'probe', features: {}, predictedAtMs: 1 }; // a later one would close every window
        const { status } = await system.http.send('POST', `${url}/v1/models/${model}/predict`, body);
        assert.equal(status, 200);
      },
      { what: `${url} to serve ${model}`, limitMs: 30_000 },
    );
  const traffic = startJudgedTraffic({ system, model, seed, roundSize: 20, roundMs: 100 });
  t.after(() => {
    traffic.abandon();
  });
  await untilLearned(model, 1, 500);
  return traffic;
}

async function learnedBy(model: string, version: number): Promise<number> {
  const { versions } = await learnerState(system, model);
  return versions.find((one) => one.version === version)?.examplesLearned ?? 0;
}

async function untilLearned(model: string, version: number, examples: number): Promise<void> {
  await waitUntil(
    async () => {
      const learned = await learnedBy(model, version);
      if (learned < examples) throw new Error(`${String(learned)} of ${String(examples)}`);
    },
    { what: `version ${String(version)} to learn`, limitMs: 20_000 },
  );
}

/** Ends the traffic, holds its answers against the log and returns what the log tells of the model. */
async function ended(model: string, traffic: JudgedTraffic): Promise<ModelVersionEvent[]> {
  await traffic.stop();
  const { failed, answers } = traffic.history;
  assert.deepEqual(failed, []);
  const logged = await readHistory(system.kafka, system.stack.schemaRegistryUrl);
  assert.equal(walkChain(logged).broken, null);
  const events = logged.flatMap((one) => ('event' in one ? [one.event] : []));
  const { disallowed } = judgeAnswers(events, model, answers, GRACE_MS);
  assert.deepEqual(disallowed, []);
  return events.filter((event) => event.model === model);
}

const bodyOf = ({ body }: ModelVersionEvent): RolloutBody => JSON.parse(body) as RolloutBody;

test('an equal candidate goes from shadow to full on evidence alone, under traffic that never stops', async (t) => {
  const model = 'equal';
  const traffic = await serve(t, model, 1);
  await system.operator(model).addVersion({ mode: 'copy', learner: { alpha: 0.98 * LEARNERS.sound.alpha } });
  const rollout = rolloutClient(system, model);
  await rollout.start(2);
  const closed = await rollout.until('closed');
  assert.equal(closed.traffic.stable, 2);
  const events = await ended(model, traffic);
  const advanced = events.filter(({ kind }) => kind === 'RolloutAdvanced').map(bodyOf);
  assert.deepEqual(
    advanced.map(({ rollout: state }) => `${state?.phase ?? ''} ${String(state?.step)}`),
    ['canary 0', 'canary 1', 'canary 2', 'full 2'],
  );
  for (const { evidence } of advanced) assert.ok((evidence?.stageExamples ?? 0) >= 20);
  assert.deepEqual(advanced[0]?.validation?.faults, []);
});

test('a candidate that is clearly worse is rolled back by itself and goes on learning', async (t) => {
  const model = 'worse';
  const traffic = await serve(t, model, 2);
  await system.operator(model).addVersion({ mode: 'copy', learner: LEARNERS.wild });
  const rollout = rolloutClient(system, model);
  await rollout.start(2);
  await rollout.until('rolledBack');
  const learned = await learnedBy(model, 2);
  await untilLearned(model, 2, learned + 200);
  const events = await ended(model, traffic);
  const last = events.findLast(({ kind }) => kind === 'RolloutRolledBack');
  assert.ok(last !== undefined);
  assert.equal(last.actor, 'monitor');
  assert.match(bodyOf(last).because, /shown to be above its margin/);
  assert.ok((bodyOf(last).evidence?.examples ?? 0) > 0);
});

/** A file may be slower than learners of a few microseconds are. */
const FILE_POLICY = { ...QUICK_POLICY, guards: { ...QUICK_POLICY.guards, slownessMarginRate: 1 } };

async function publish(model: string, logits: Readonly<Record<string, number>>): Promise<void> {
  const answer = await system.http.send(
    'POST',
    `${system.url('registry')}/v1/models/${model}/versions/published`,
    {
      onnx: Buffer.from(lookUpFile(logits)).toString('base64'),
      signature: {
        inputs: [{ name: 'colour', features: ['colour'] }],
        output: { name: 'p', column: 0 },
      },
    },
  );
  assert.equal(answer.status, 201, JSON.stringify(answer.body));
}

test('a published file that knows the truth takes a learner’s place on evidence alone', async (t) => {
  const model = 'file-knows';
  const traffic = await serve(t, model, 3, FILE_POLICY);
  await publish(
    model,
    colourLogits((logit) => logit),
  );
  const rollout = rolloutClient(system, model);
  await rollout.start(2);
  assert.equal((await rollout.until('closed')).traffic.stable, 2);
  const events = await ended(model, traffic);
  const advanced = events.filter(({ kind }) => kind === 'RolloutAdvanced').map(bodyOf);
  assert.deepEqual(
    advanced.map(({ rollout: state }) => `${state?.phase ?? ''} ${String(state?.step)}`),
    ['canary 0', 'canary 1', 'canary 2', 'full 2'],
  );
  for (const { evidence } of advanced) assert.equal(evidence?.source, 'served');
});

test('a published file that is clearly worse than the learner is rolled back by itself', async (t) => {
  const model = 'file-errs';
  const traffic = await serve(t, model, 4, FILE_POLICY);
  await publish(
    model,
    colourLogits((logit) => -3 * logit),
  );
  const rollout = rolloutClient(system, model);
  await rollout.start(2);
  assert.equal((await rollout.until('rolledBack')).traffic.stable, 1);
  const events = await ended(model, traffic);
  assert.match(
    bodyOf(events.findLast(({ kind }) => kind === 'RolloutRolledBack') as ModelVersionEvent).because,
    /shown to be above its margin/,
  );
});
