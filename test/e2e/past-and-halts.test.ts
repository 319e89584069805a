import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { learnerState, serveSmallModel, smallEvent, untilLearned } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';

const MODEL = 'remembering';
/** So many features that no step takes less than a microsecond. */
const WIDE = Array.from({ length: 120 }, (_, index) => `wide${String(index)}`);
const system = useSystem({
  instances: { monitor: 0 },
  prepare: (started) =>
    serveSmallModel(started, MODEL, {
      features: ['colour', ...WIDE].map((name) => ({ name, type: 'categorical' })),
    }),
});
let sent = 0;

interface VersionState {
  readonly version: number;
  readonly mode: string;
  readonly examplesLearned: number;
  readonly isHalted: boolean;
  readonly metrics: unknown;
}

async function publish(count: number): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => {
    const at = sent + index;
    const wide = WIDE.map((name, column): [string, string] => [
      name,
      `value-${String((at * (column + 1)) % 17)}`,
    ]);
    return smallEvent(at, {
      features: {
        colour: at % 2 === 0 ? 'red' : 'blue',
        ...(Object.fromEntries(wide) as Record<string, string>),
      },
    });
  });
  const url = `${system.url('ingest')}/v1/models/${MODEL}/events`;
  const { status } = await system.http.send('POST', url, events);
  assert.equal(status, 202);
  sent += count;
}

async function ask(method: string, path: string, body: object = {}): Promise<unknown> {
  const answer = await system.http.send(method, `${system.url('registry')}/v1/models/${MODEL}${path}`, body);
  assert.ok(answer.status < 300, `${path}: ${String(answer.status)} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function versionOf(version: number): Promise<VersionState> {
  const { versions } = await learnerState(system, MODEL);
  const found = versions.find((one) => one.version === version);
  if (found === undefined) throw new Error(`version ${String(version)} is not live`);
  return found as unknown as VersionState;
}

/** Waits until a version and the first one have learned everything that was sent. */
async function untilBeside(version: number): Promise<VersionState> {
  return waitUntil(
    async () => {
      const [one, first] = [await versionOf(version), await versionOf(1)];
      if (one.examplesLearned !== sent || first.examplesLearned !== sent) {
        const learned = `${String(one.examplesLearned)} and ${String(first.examplesLearned)}`;
        throw new Error(`${learned} learned of ${String(sent)}`);
      }
      return one;
    },
    { what: `version ${String(version)} and version 1 to have learned everything`, limitMs: 60_000 },
  );
}

test('a version that starts from the log’s beginning learns the past beside the present and ends where one that was always there is', async () => {
  for (let i = 0; i < 6; i += 1) await publish(500);
  await untilLearned(system, MODEL, sent);
  await ask('POST', '/versions', { from: 'earliest' });
  await publish(500); // the present goes on meanwhile
  await publish(500);
  const history = await untilBeside(2);
  assert.equal(history.mode, 'history');
  assert.deepEqual(history.metrics, (await versionOf(1)).metrics);
  await publish(200);
  const after = await untilBeside(2);
  assert.equal(after.examplesLearned, sent);
  assert.deepEqual(after.metrics, (await versionOf(1)).metrics);
});

test('a version that starts from a milestone goes on from its parent’s state there, and the state survives a kill', async () => {
  await ask('POST', '/milestones');
  const position = await waitUntil(
    async () => {
      const { milestones } = (await learnerState(system, MODEL)) as unknown as {
        milestones: { position: number; reason: string }[];
      };
      const found = milestones.find(({ reason }) => reason === 'command');
      if (found === undefined) throw new Error(`${String(milestones.length)} milestones`);
      return found.position;
    },
    { what: 'a milestone', limitMs: 30_000 },
  );
  await publish(300);
  await ask('POST', '/versions', { parent: 1, from: { milestone: position } });
  await publish(300);
  const fromMilestone = await untilBeside(3);
  assert.equal(fromMilestone.mode, 'milestone');
  assert.equal(fromMilestone.examplesLearned, sent);
  const before = await waitUntil(
    async () => {
      const state = await learnerState(system, MODEL);
      if (state.savedPosition < state.position) throw new Error('not stored yet');
      return state;
    },
    { what: 'the state to be stored', limitMs: 30_000 },
  );
  const learner = system.fleet.one('online-learner');
  await learner.kill();
  await learner.start();
  await learner.untilReady();
  assert.equal((await learnerState(system, MODEL)).stateDigest, before.stateDigest);
});

test('a version over its budget is halted alone, the checkpoint remembers it, and an operator’s command undoes it', async () => {
  const learner = system.fleet.one('online-learner');
  await learner.stop();
  await learner.start({ VERSION_BUDGET_MICROS: '1' });
  await learner.untilReady();
  await waitUntil(
    async () => {
      await publish(100);
      if (!(await versionOf(2)).isHalted) throw new Error('it learns on');
    },
    { what: 'version 2 to be halted', limitMs: 30_000, everyMs: 50 },
  );
  const { examplesLearned } = await versionOf(2);
  await learner.kill();
  await learner.start();
  await learner.untilReady();
  assert.equal((await versionOf(2)).isHalted, true);
  await publish(100);
  assert.equal((await versionOf(2)).examplesLearned, examplesLearned);
  await ask('POST', '/versions/2/resume');
  await waitUntil(
    async () => {
      if ((await versionOf(2)).isHalted) throw new Error('it is halted');
    },
    { what: 'version 2 to learn again', limitMs: 30_000 },
  );
  await publish(100);
  await waitUntil(
    async () => {
      const now = (await versionOf(2)).examplesLearned;
      if (now !== examplesLearned + 100) throw new Error(`${String(now)} learned`);
    },
    { what: 'the resumed version to learn what came since', limitMs: 30_000 },
  );
});
