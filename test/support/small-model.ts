import { waitUntil } from '../../deploy/local/wait-until.ts';
import type { PublishedEvent } from '../../shared/client/model-client.ts';
import type { System } from './system.ts';

/** A small model for tests: a category and a number. */
export function smallSpec(name: string, more: object = {}): object {
  return {
    name,
    features: [
      { name: 'colour', type: 'categorical' },
      { name: 'size', type: 'numeric' },
      { name: 'isNew', type: 'boolean' },
    ],
    learner: { tableBits: 10, alpha: 0.5 },
    label: { windowMs: 3_600_000 },
    ...more,
  };
}

/** An event of the small model: red is 1, blue is 0. */
export function smallEvent(index: number, more: object = {}): PublishedEvent & Record<string, unknown> {
  const isRed = index % 2 === 0;
  return {
    id: `event-${String(index)}`,
    subject: `subject-${String(index % 7)}`,
    features: { colour: isRed ? 'red' : 'blue', size: index % 5, isNew: index % 3 === 0 },
    label: isRed ? 1 : 0,
    ...more,
  };
}

/** Creates the model with version 1 as stable and waits until the router serves it. */
export async function serveSmallModel(system: System, name: string, more: object = {}): Promise<void> {
  const operator = system.operator(name);
  await operator.createModel(smallSpec(name, more));
  const version = await operator.addVersion({ mode: 'cold' });
  await operator.setTraffic({ stable: version });
  for (const router of system.fleet.all.filter((one) => one.name === 'router')) {
    await waitUntil(
      async () => {
        const { status, body } = await system.http.send('POST', `${router.url}/v1/models/${name}/predict`, {
          subject: 'probe',
          features: { colour: 'red' },
        });
        if (status !== 200) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
      },
      { what: `${router.url} to serve ${name}`, limitMs: 30_000 },
    );
  }
}

/** What the learner says of a model's one shard. */
export interface LearnerState {
  readonly position: number;
  readonly savedPosition: number;
  readonly stateDigest: string;
  readonly versions: readonly {
    readonly version: number;
    readonly bornPosition: number;
    readonly examplesLearned: number;
    readonly screened: number;
  }[];
}

/** Returns the learner's state of a model. */
export async function learnerState(system: System, model: string): Promise<LearnerState> {
  const { status, body } = await system.http.send(
    'GET',
    `${system.url('online-learner')}/v1/models/${model}/state`,
  );
  const state = (body as { shards?: LearnerState[] }).shards?.[0];
  if (status !== 200 || state === undefined) throw new Error(`${String(status)} ${JSON.stringify(body)}`);
  return state;
}

/** Waits until version 1 has learned exactly so many examples, and returns the state; throws when it has learned more. */
export async function untilLearned(
  system: System,
  model: string,
  examples: number,
  limitMs = 30_000,
): Promise<LearnerState> {
  return waitUntil(
    async () => {
      const state = await learnerState(system, model);
      const learned = state.versions[0]?.examplesLearned ?? 0;
      if (learned !== examples) throw new Error(`${String(learned)} of ${String(examples)} examples learned`);
      return state;
    },
    { what: `${model} to learn`, limitMs, everyMs: 100 },
  );
}
