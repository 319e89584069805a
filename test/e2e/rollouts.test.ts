import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { waitUntil } from '../../deploy/local/wait-until.ts';
import { replayState } from '../support/replay.ts';
import { rolloutClient } from '../support/rollouts.ts';
import type { RolloutAnswer } from '../support/rollouts.ts';
import { learnerState, serveSmallModel, smallEvent } from '../support/small-model.ts';
import type { LearnerState } from '../support/small-model.ts';
import { useSystem } from '../support/system.ts';
import { openVerdictWriter } from '../support/verdicts.ts';
import type { VerdictWriter } from '../support/verdicts.ts';

let verdicts: VerdictWriter | undefined;
/** No monitor: the tests write its verdicts, so that they say when. */
const system = useSystem({
  instances: { router: 2, monitor: 0 },
  env: { STATUS_INTERVAL_MS: '500' },
  prepare: async (started) => {
    verdicts = await openVerdictWriter(started);
  },
});
after(() => verdicts?.close());

const LEASE_MS = 2000;
const QUICK = { rollout: { holdMinMs: 0, leaseMs: LEASE_MS, stepsBp: [100, 5000, 10_000] } };
let events = 0;

async function learnMore(model: string, count: number): Promise<LearnerState> {
  const batch = Array.from({ length: count }, () => smallEvent(events++));
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('ingest')}/v1/models/${model}/events`,
    batch,
  );
  assert.equal(status, 202);
  const offset = Math.max(...(body as { items: { offset: number }[] }).items.map((item) => item.offset));
  return waitUntil(
    async () => {
      const state = await learnerState(system, model);
      if (state.position <= offset) throw new Error(`position ${String(state.position)}`);
      return state;
    },
    { what: 'the events to be learned', limitMs: 20_000, everyMs: 50 },
  );
}

/** Returns which versions answer many subjects, of both routers. */
async function answering(model: string): Promise<ReadonlySet<number>> {
  const versions = new Set<number>();
  for (let subject = 0; subject < 60; subject += 1) {
    const { status, body } = await system.http.send(
      'POST',
      `${system.url('router', subject % 2)}/v1/models/${model}/predict`,
      { subject: `subject-${String(subject)}`, features: { colour: 'red' } },
    );
    assert.equal(status, 200, JSON.stringify(body));
    versions.add((body as { version: number }).version);
  }
  return versions;
}

function untilAnswering(model: string, ...wanted: number[]): Promise<void> {
  return waitUntil(
    async () => {
      const versions = [...(await answering(model))].sort((a, b) => a - b);
      assert.deepEqual(versions, wanted);
    },
    { what: `versions ${wanted.join(' and ')} alone to answer`, limitMs: 10_000, everyMs: 20 },
  );
}

async function modelWithCopy(model: string): Promise<void> {
  await serveSmallModel(system, model, QUICK);
  await learnMore(model, 200);
  assert.equal(await system.operator(model).addVersion({ mode: 'copy', learner: { alpha: 0.2 } }), 2);
}

const learned = (state: LearnerState): number[] => state.versions.map((one) => one.examplesLearned);
const place = ({ rollout, traffic }: RolloutAnswer): string =>
  `${rollout.phase} ${String(rollout.step)}: ${String(traffic.stable)} ${String(traffic.candidate)} ${String(traffic.candidateWeightBp)} [${traffic.shadows.join()}]`;

test('a rollout goes from shadow to full by verdicts and is undone, and no version ever stops learning', async () => {
  const model = 'to-full';
  await modelWithCopy(model);
  assert.ok(verdicts !== undefined);
  const client = rolloutClient(system, model);
  const counts = [learned(await learnMore(model, 20))];
  const places = [place(await client.start(2))];
  for (let stages = 0; stages < 4; stages += 1) {
    places.push(place(await client.promote(verdicts)));
    counts.push(learned(await learnMore(model, 20)));
  }
  assert.deepEqual(places, [
    'shadow -1: 1 null 0 [2]',
    'canary 0: 1 2 100 []',
    'canary 1: 1 2 5000 []',
    'canary 2: 1 2 10000 []',
    'full 2: 2 null 0 [1]',
  ]);
  await untilAnswering(model, 2);
  assert.equal(place(await client.command('undo')), 'rolledBack 2: 1 null 0 [2]');
  await untilAnswering(model, 1);
  const last = await learnMore(model, 20);
  counts.push(learned(last));
  for (const version of [0, 1]) {
    const ofOne = counts.map((one) => one[version] ?? 0);
    assert.deepEqual(
      ofOne.slice(1).map((count, i) => count - (ofOne[i] ?? 0)),
      [20, 20, 20, 20, 20],
      'examples learned rise through promotion and return',
    );
  }
  const replayed = await replayState(system.stack, model, last.position);
  assert.equal(last.stateDigest, replayed.digest, 'traffic leaves no trace in what was learned');

  const { body } = await system.http.send('GET', `${system.url('registry')}/v1/models/${model}/history`);
  const told = (body as { events: { kind: string; actor: string; reason: string }[] }).events
    .filter(({ kind }) => /Rollout(Started|Advanced|RolledBack)/.test(kind))
    .map(({ kind, actor, reason }) => `${kind} by ${actor}: ${reason}`);
  assert.equal(told[0], 'RolloutStarted by a test: a test wants it');
  assert.match(
    told[1] ?? '',
    /^RolloutAdvanced by (monitor|registry): from shadow to 1 % of the subjects: a test says/,
  );
  assert.match(told.at(-1) ?? '', /^RolloutRolledBack by a test: /);
});

test('a candidate that a verdict rolls back learns on, and its second try begins with all it knows', async () => {
  const model = 'back-again';
  await modelWithCopy(model);
  assert.ok(verdicts !== undefined);
  const client = rolloutClient(system, model);
  await client.start(2);
  await client.promote(verdicts);
  const inTraffic = await client.promote(verdicts);
  assert.equal(place(inTraffic), 'canary 1: 1 2 5000 []');
  await untilAnswering(model, 1, 2);
  const before = learned(await learnMore(model, 10));
  await client.command('pause');
  await verdicts.write(model, inTraffic.rollout, 'rollback', 'it is worse');
  assert.equal(place(await client.until('rolledBack')), 'rolledBack 1: 1 null 0 [2]');
  await untilAnswering(model, 1);
  assert.deepEqual(
    learned(await learnMore(model, 10)),
    before.map((count) => count + 10),
  );
  const again = await client.start(2);
  assert.deepEqual([again.rollout.attempt, again.rollout.rolloutId], [2, 'back-again/2/2']);
  await client.promote(verdicts);
  await verdicts.write(model, inTraffic.rollout, 'rollback', 'an old verdict');
  const last = await learnMore(model, 10);
  const replayed = await replayState(system.stack, model, last.position);
  assert.equal(last.stateDigest, replayed.digest);
  assert.equal((await client.get()).rollout.phase, 'canary', 'a verdict on an earlier try moves nothing');
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('registry')}/v1/models/${model}/versions/2/retire`,
    {},
  );
  assert.equal(status, 409);
  assert.match(JSON.stringify(body), /takes part in the rollout of version 2: abort it first/);
  await client.command('abort');
});

test('a rollback that is written while no registry lives is carried out by the next one', async () => {
  const model = 'nobody-leads';
  await modelWithCopy(model);
  assert.ok(verdicts !== undefined);
  const client = rolloutClient(system, model);
  await client.start(2);
  const { rollout } = await client.promote(verdicts);
  const registry = system.fleet.one('registry');
  await registry.kill();
  await verdicts.write(model, rollout, 'rollback', 'it got worse');
  await registry.start();
  await registry.untilReady();
  await client.until('rolledBack');
  const back = await verdicts.count(Date.now() + 60_000);
  assert.equal(back, 0, 'a follower since a time reads nothing older');
  assert.ok((await verdicts.count(0)) > 0);
});

test('when the registry is gone for a lease nobody is answered by the candidate, and when it is back the candidate answers again', async () => {
  const model = 'lease';
  await modelWithCopy(model);
  const client = rolloutClient(system, model);
  await client.start(2);
  for (let stages = 0; stages < 2; stages += 1) await client.command('promote', { to: 'next' });
  await untilAnswering(model, 1, 2);
  const registry = system.fleet.one('registry');
  await registry.kill();
  const killedMs = performance.now();
  await untilAnswering(model, 1);
  const lapsedMs = performance.now() - killedMs;
  assert.ok(lapsedMs < LEASE_MS + 3000, `the lease lapsed after ${lapsedMs.toFixed(0)} ms`);
  const { status } = await system.http.send('GET', `${system.url('router')}/readyz`);
  assert.equal(status, 200);
  await waitUntil(
    async () => {
      const { body } = await system.http.send('GET', `${system.url('router')}/metrics`);
      assert.match(String(body), /^headrace_router_lapsed_leases 1$/m);
    },
    { what: 'the router to count the lapsed lease', limitMs: 5000 },
  );
  await registry.start();
  await registry.untilReady();
  await untilAnswering(model, 1, 2);
  assert.equal((await client.get()).rollout.phase, 'canary');
});

test('both halves of a twin fork are born at one position, and the candidate is compared with its control', async () => {
  const model = 'twins';
  await serveSmallModel(system, model, QUICK);
  await learnMore(model, 50);
  const { status, body } = await system.http.send(
    'POST',
    `${system.url('registry')}/v1/models/${model}/versions/twin`,
    { learner: { alpha: 0.2 } },
  );
  assert.equal(status, 201, JSON.stringify(body));
  const state = await waitUntil(
    async () => {
      const { body: known } = await system.http.send('GET', `${system.url('registry')}/v1/models/${model}`);
      const { versions } = known as { versions: { life: string; bornPosition: number }[] };
      assert.deepEqual(
        versions.map(({ life }) => life),
        ['live', 'live', 'live'],
      );
      return versions;
    },
    { what: 'the twins to be born', limitMs: 20_000 },
  );
  assert.equal(state[1]?.bornPosition, state[2]?.bornPosition);
  const { rollout } = await rolloutClient(system, model).start(3);
  assert.deepEqual([rollout.stable, rollout.baseline, rollout.candidate], [1, 2, 3]);
});
