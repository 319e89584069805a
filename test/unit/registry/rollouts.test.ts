import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRollouts } from '../../../services/registry/rollouts.ts';
import type { Rollouts } from '../../../services/registry/rollouts.ts';
import type { PublishedTrafficPlan, RouterStatus, Verdict } from '../../../shared/domain/events.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState } from '../../../shared/domain/rollout.ts';
import { HeadraceError } from '../../../shared/errors.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { ask, asked, silentObserver, worldWithVersions } from './registry-world.ts';
import type { RegistryWorld } from './registry-world.ts';
import { evidenceOf } from './rollout-driver.ts';

interface Desk {
  readonly world: RegistryWorld;
  readonly rollouts: Rollouts;
  /** `value result` of every verdict. */
  readonly told: string[];
  readonly positions: { asked: number; failure: Error | undefined; answer: Promise<number> };
  rollout(): RolloutState;
  verdict(value: Verdict['value'], change?: Partial<Verdict>): Verdict;
  /** Reports of so many routers, all with the present plan and every version ready, unless changed. */
  hearRouters(count: number, change?: Partial<RouterStatus['models'][number]['versions'][number]>): void;
  settle(): Promise<void>;
}

async function desk(policy: Partial<typeof DEFAULT_ROLLOUT_POLICY> = {}): Promise<Desk> {
  const world = await worldWithVersions(1, { ...DEFAULT_ROLLOUT_POLICY, holdMinMs: 0, ...policy });
  for (const command of [ask.register('copy', 1), ask.born(2), ask.approve(2)]) await world.record(command);
  await world.record(ask.traffic(world.plan().planVersion, { stable: 1 }));
  const told: string[] = [];
  const positions: Desk['positions'] = { asked: 0, failure: undefined, answer: Promise.resolve(77) };
  const rollouts = createRollouts({
    registry: world.registry,
    observe: { ...silentObserver, verdict: (value, result) => told.push(`${value} ${result}`) },
    log: silentLog,
    nowMs: () => world.clock.nowMs,
    positionOf: () => {
      positions.asked += 1;
      return positions.failure === undefined ? positions.answer : Promise.reject(positions.failure);
    },
    onFatal: (error) => {
      throw error;
    },
  });
  const rollout = (): RolloutState => world.model().rollout ?? assert.fail('no rollout');
  await rollouts.command('clicks', { kind: 'start', version: 2 }, asked);
  return {
    world,
    rollouts,
    told,
    positions,
    rollout,
    verdict(value, change = {}) {
      const { rolloutId, stage, stagePlanVersion: planVersion, candidate } = rollout();
      const evidence = JSON.stringify(evidenceOf({ rolloutId, stage }));
      const { nowMs: atMs } = world.clock;
      return {
        model: 'clicks',
        rolloutId,
        step: stage,
        planVersion,
        candidate,
        value,
        atMs,
        evidence,
        ...change,
      };
    },
    hearRouters(count, change = {}) {
      const { planVersion } = world.plan();
      for (let router = 0; router < count; router += 1) {
        const name = `router-${String(router)}`;
        const version = { ready: true, position: 5, incarnation: 1, reason: '' };
        const versions = [
          { ...version, version: 1 },
          { ...version, version: 2, ...change },
        ];
        const models = [{ model: 'clicks', planVersion, versions }];
        rollouts.hearRouter(name, { router: name, atMs: world.clock.nowMs, url: '', models }, false);
      }
    },
    async settle() {
      for (let turns = 0; turns < 20; turns += 1) await new Promise(setImmediate);
    },
  };
}

test('a stage is applied once every live router has it, and a promoting verdict then moves it, with where the log ends', async () => {
  const { rollouts, verdict, rollout, hearRouters, settle, positions, told, world } = await desk();
  assert.equal(rollout().startPosition, 77);
  rollouts.hearVerdict(verdict('promote'), false);
  await settle();
  assert.deepEqual(rollouts.view(world.model()).waitsFor, [
    'every live router to have plan 9 with version 2 ready',
  ]);
  hearRouters(2);
  await settle();
  assert.deepEqual([rollout().phase, rollout().stagePosition, positions.asked], ['canary', 77, 2]);
  assert.deepEqual(told, ['promote noted', 'promote taken']);
  assert.equal(world.events().at(-1)?.actor, 'monitor');
});

test('a router that is not ready holds a stage up; one that was not heard for 15 s does not', async () => {
  const { rollouts, rollout, hearRouters, settle, world } = await desk();
  hearRouters(2, { ready: false, reason: 'no snapshot yet' });
  await settle();
  assert.equal(rollout().appliedAtMs, null);
  hearRouters(1);
  await rollouts.tick();
  assert.equal(rollout().appliedAtMs, null);
  world.clock.nowMs += 14_000;
  hearRouters(1);
  await settle();
  assert.equal(rollout().appliedAtMs, null);
  world.clock.nowMs += 1001;
  await rollouts.tick();
  assert.notEqual(rollout().appliedAtMs, null);
});

test('a stage does not count as applied while no router is heard', async () => {
  const { rollouts, rollout, hearRouters, settle, world } = await desk();
  await rollouts.tick();
  assert.equal(rollout().appliedAtMs, null);
  hearRouters(1, { ready: false, reason: 'no snapshot yet' });
  rollouts.hearRouter('router-0', null, false);
  await settle();
  assert.equal(rollout().appliedAtMs, null);
  assert.deepEqual(rollouts.view(world.model()).routers, []);
});

test('a rollback waits for nothing: neither for the end of the log nor for anybody who resumes', async () => {
  const { rollouts, verdict, rollout, settle, positions } = await desk();
  await rollouts.command('clicks', { kind: 'promote', to: 'next' }, asked);
  await rollouts.command('clicks', { kind: 'pause' }, asked);
  const before = positions.asked;
  positions.failure = new Error('away');
  rollouts.hearVerdict(verdict('rollback'), false);
  await settle();
  assert.deepEqual([rollout().phase, positions.asked], ['rolledBack', before]);
});

test('a rollback does not queue up behind a promotion that asks where the log ends', async () => {
  const { rollouts, verdict, rollout, hearRouters, settle, positions } = await desk();
  const end = Promise.withResolvers<number>();
  hearRouters(1);
  await settle();
  positions.answer = end.promise;
  rollouts.hearVerdict(verdict('promote'), false);
  await settle();
  rollouts.hearVerdict(verdict('rollback'), false);
  await settle();
  assert.equal(rollout().phase, 'rolledBack');
  end.resolve(99);
  await settle();
  assert.equal(rollout().phase, 'rolledBack', 'the promotion comes too late');
});

test('the view tells what happened last and why', async () => {
  const { rollouts, world } = await desk();
  await rollouts.command('clicks', { kind: 'abort' }, { ...asked, reason: 'not today' });
  const { last, waitsFor } = rollouts.view(world.model());
  assert.deepEqual(
    [last?.kind, last?.actor, last?.because, waitsFor],
    ['RolloutAborted', 'ada', 'not today', []],
  );
});

test('what a verdict speaks of decides whether it is noted, and malformed ones are counted', async () => {
  const { rollouts, verdict, told, settle } = await desk();
  rollouts.hearVerdict(verdict('wait'), false);
  rollouts.hearVerdict(
    verdict('promote', { step: 4, evidence: JSON.stringify(evidenceOf({ stage: 4 })) }),
    false,
  );
  rollouts.hearVerdict(verdict('promote', { evidence: '{' }), false);
  rollouts.hearVerdict(verdict('promote', { evidence: 'null' }), false);
  rollouts.hearVerdict(verdict('promote', { step: 4 }), false);
  rollouts.hearVerdict(verdict('maybe' as 'wait'), false);
  rollouts.hearVerdict(verdict('promote', { model: 'nobody' }), false);
  rollouts.hearVerdict(verdict('promote', { planVersion: 1 }), false);
  await settle();
  assert.deepEqual(told, [
    'wait noted',
    'promote other-stage',
    'none malformed',
    'none malformed',
    'none malformed',
    'none malformed',
    'promote malformed',
    'promote older-plan',
  ]);
});

test('a rollback that was written before this registry led is carried out when it begins to look', async () => {
  const { rollouts, verdict, rollout, settle } = await desk();
  rollouts.hearVerdict(verdict('rollback'), true);
  await settle();
  assert.equal(rollout().phase, 'shadow');
  rollouts.beginListening();
  await rollouts.tick();
  assert.equal(rollout().phase, 'rolledBack');
});

test('silence counts from when this registry began to listen, and from a resume', async () => {
  const { rollouts, rollout, world } = await desk();
  const { monitorSilenceMaxMs } = DEFAULT_ROLLOUT_POLICY;
  world.clock.nowMs += monitorSilenceMaxMs + 1;
  rollouts.beginListening();
  await rollouts.tick();
  assert.equal(rollout().pausedBecause, null);
  world.clock.nowMs += monitorSilenceMaxMs + 1;
  await rollouts.tick();
  assert.match(rollout().pausedBecause ?? '', /^the monitor has said nothing for/);
  await rollouts.command('clicks', { kind: 'resume' }, asked);
  await rollouts.tick();
  assert.equal(rollout().pausedBecause, null);
});

for (const reason of ['parity-mismatch: golden row 0', 'unloadable: no graph', 'breaker: 5 runs failed']) {
  test(`a live router that says ${reason} of a candidate in traffic takes it back`, async () => {
    const { rollouts, rollout, hearRouters, settle, world } = await desk();
    hearRouters(1, { ready: false, reason });
    await settle();
    assert.equal(rollout().phase, 'shadow', 'without traffic it only waits');
    await rollouts.command('clicks', { kind: 'promote', to: 'next' }, asked);
    await rollouts.tick();
    assert.equal(rollout().phase, 'rolledBack');
    assert.match(world.events().at(-1)?.reason ?? '', /^router router-0 does not serve version 2: /);
  });
}

test('a candidate whose parameters stand still for 30 s while those of stable go on is halted, and goes back', async () => {
  const { rollouts, rollout, hearRouters, world, verdict } = await desk();
  const pass = async (position: number): Promise<void> => {
    world.clock.nowMs += 10_000;
    rollouts.hearVerdict(verdict('wait'), false);
    hearRouters(1, { position });
    await rollouts.tick();
  };
  for (const position of [3, 4, 4, 4]) await pass(position);
  assert.equal(rollout().phase, 'shadow');
  for (const position of [4, 4]) await pass(position);
  assert.equal(rollout().phase, 'rolledBack');
});

test('a log whose end cannot be read holds a promotion up, and it is tried again', async () => {
  const { rollouts, verdict, rollout, hearRouters, settle, positions } = await desk();
  positions.failure = new HeadraceError('away', { code: 'kafka-unavailable', retriable: true });
  hearRouters(1);
  rollouts.hearVerdict(verdict('promote'), false);
  await settle();
  assert.equal(rollout().phase, 'shadow');
  positions.failure = undefined;
  await rollouts.tick();
  assert.equal(rollout().phase, 'canary');
});

test('a plan with a candidate goes out with its lease, again and again; one without has none', async () => {
  const { rollouts, world } = await desk({ leaseMs: 30_000 });
  const sent = (): PublishedTrafficPlan[] =>
    world.commits
      .flat()
      .flatMap((one) => (one.topic === 'traffic.v1' && one.value !== null ? [one.value] : []));
  assert.equal(sent().at(-1)?.leaseMs, 0);
  await rollouts.command('clicks', { kind: 'promote', to: 'next' }, asked);
  assert.equal(sent().at(-1)?.leaseMs, 30_000);
  const count = sent().length;
  await world.registry.renewLeases();
  assert.equal(sent().length, count);
  world.clock.nowMs += 10_000;
  await world.registry.renewLeases();
  const [before, renewed] = sent().slice(-2);
  assert.ok(renewed !== undefined && before !== undefined && renewed.publishedAtMs > before.publishedAtMs);
  assert.deepEqual({ ...renewed, publishedAtMs: 0 }, { ...before, publishedAtMs: 0 });
  await rollouts.command('clicks', { kind: 'abort' }, asked);
  assert.equal(sent().at(-1)?.leaseMs, 0);
  world.clock.nowMs += 60_000;
  const after = sent().length;
  await world.registry.renewLeases();
  assert.equal(sent().length, after);
});

test('a repeated idempotency key of a rollout command gives the first event again', async () => {
  const { rollouts, world } = await desk();
  const once = { ...asked, idempotencyKey: 'k' };
  const promote = { kind: 'promote', to: 'next' } as const;
  const first = await rollouts.command('clicks', promote, once);
  const events = world.events().length;
  assert.deepEqual(await rollouts.command('clicks', promote, once), first);
  assert.equal(world.events().length, events);
  const other = await rollouts.command('clicks', { kind: 'abort' }, once);
  assert.equal(other.kind, 'refused');
});
