import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { serveSmallModel, smallEvent } from '../support/small-model.ts';
import type { LearnerState } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const MODELS = [
  'shared-out-a',
  'shared-out-b',
  'shared-out-c',
  'shared-out-d',
  'shared-out-e',
  'shared-out-f',
];
const system = useSystem({
  instances: { 'online-learner': 2, router: 1 },
  prepare: async (started) => {
    for (const model of MODELS) await serveSmallModel(started, model);
  },
});

/** Returns the state of a model's shard at every learner that says it has it. */
async function statesOf(model: string): Promise<LearnerState[]> {
  const answers = await Promise.all(
    system.fleet.all
      .filter((one) => one.name === 'online-learner' && one.isRunning())
      .map(({ url }) => system.http.send('GET', `${url}/v1/models/${model}/state`).catch(() => undefined)),
  );
  return answers.flatMap((answer) =>
    answer?.status === 200 ? (answer.body as { shards: LearnerState[] }).shards : [],
  );
}

async function untilAllLearned(examples: number): Promise<void> {
  for (const model of MODELS) {
    await waitUntil(
      async () => {
        const states = await statesOf(model);
        const learned = states.map(({ versions }) => versions[0]?.examplesLearned);
        if (learned.length !== 1 || learned[0] !== examples)
          throw new Error(`learned ${learned.join(' and ')}`);
      },
      {
        what: `${model} to learn ${String(examples)} examples at one learner`,
        limitMs: 60_000,
        everyMs: 100,
      },
    );
  }
}

async function publish(from: number, to: number): Promise<void> {
  const events = Array.from({ length: to - from }, (_, index) => smallEvent(from + index));
  for (const model of MODELS) {
    const { status } = await system.http.send(
      'POST',
      `${system.url('ingest')}/v1/models/${model}/events`,
      events,
    );
    assert.equal(status, 202);
  }
}

test('two learners share the models, and when one is killed the other takes its shards over without loss or repetition', async () => {
  await publish(0, 50);
  await untilAllLearned(50);
  await publish(50, 80);
  await system.fleet.one('online-learner', 0).kill();
  await publish(80, 120);
  await untilAllLearned(120);
  await system.fleet.one('online-learner', 0).start();
  await system.fleet.one('online-learner', 0).untilReady();
  await publish(120, 150);
  await untilAllLearned(150);
});
