import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Command } from '../../../services/registry/domain/commands.ts';
import { decide as decideAt } from '../../../services/registry/domain/decide.ts';
import type { Decision } from '../../../services/registry/domain/decision.ts';
import { LIVE_VERSIONS_MAX } from '../../../services/registry/domain/register.ts';
import type { ModelDirectory } from '../../../shared/domain/model-directory.ts';
import { evolveDirectory } from '../../../shared/domain/model-directory.ts';
import { ask, createRegistryWorld, learner, worldWithVersions } from './registry-world.ts';

function decide(directory: ModelDirectory, command: Command): Decision {
  return decideAt(directory, command, { nowMs: 0, sequence: 100, triesOf: () => 0 });
}

function refusalOf(directory: ModelDirectory, command: Command): string {
  const decision = decide(directory, command);
  return decision.kind === 'refused'
    ? `${decision.refusal.kind}: ${decision.refusal.message}`
    : decision.kind;
}

test('a model is created once, with a plan that names nobody', async () => {
  const { registry, take, plan } = createRegistryWorld();
  assert.equal((await take(ask.create)).kind, 'recorded');
  assert.equal(refusalOf(registry.directory(), ask.create), 'conflict: model clicks exists already');
  const { stable, candidate, shadows } = plan();
  assert.deepEqual({ stable, candidate, shadows }, { stable: null, candidate: null, shadows: [] });
});

test('commands on models and versions that do not exist are not found', async () => {
  const { registry } = await worldWithVersions(1);
  for (const command of [ask.register(), ask.approve(1), ask.retire(1), ask.born(1), ask.traffic(0, {})]) {
    assert.equal(refusalOf(new Map(), command), 'not-found: model clicks does not exist');
  }
  for (const command of [ask.approve(9), ask.retire(9), ask.born(9)]) {
    assert.equal(refusalOf(registry.directory(), command), 'not-found: model clicks has no version 9');
  }
  assert.equal(
    refusalOf(registry.directory(), ask.register('copy', 9)),
    'not-found: model clicks has no version 9 to copy',
  );
});

test('versions are numbered upwards, also after one was retired', async () => {
  const world = await worldWithVersions(2);
  await world.record(ask.retire(2));
  assert.equal((await world.record(ask.register())).version, 3);
});

test('a fifth version waits until one is retired', async () => {
  const world = await worldWithVersions(LIVE_VERSIONS_MAX);
  assert.equal(
    refusalOf(world.registry.directory(), ask.register()),
    'conflict: model clicks has 4 live versions, at most 4; retire one first',
  );
  await world.record(ask.retire(2));
  assert.equal((await world.record(ask.register())).version, 5);
});

test('a copy copies the stable version unless told which, never a retired one or another table', async () => {
  const world = await worldWithVersions(2);
  await world.record(ask.traffic(world.plan().planVersion, { stable: 2 }));
  const copied = await world.record(ask.register('copy'));
  assert.deepEqual(JSON.parse(copied.body), { parent: 2, mode: 'copy', learner, startPosition: 7 });
  const directory = world.registry.directory();
  const wider: Command = { ...ask.register('copy', 1), learner: { ...learner, tableBits: 12 } } as Command;
  assert.equal(refusalOf(directory, wider), "invalid: learner.tableBits 12, allowed 10 as its parent's");
  await world.record(ask.retire(1));
  assert.match(
    refusalOf(world.registry.directory(), ask.register('copy', 1)),
    /^conflict: version 1 is retired/,
  );
});

test('a version with traffic is not retired; a shadow is, and leaves the plan', async () => {
  const world = await worldWithVersions(3);
  const { planVersion } = world.plan();
  await world.record(ask.traffic(planVersion, { stable: 1, candidate: 2, candidateWeightBp: 100 }));
  for (const version of [1, 2]) {
    assert.match(
      refusalOf(world.registry.directory(), ask.retire(version)),
      /^conflict: version \d has traffic/,
    );
  }
  const { plan } = await world.record(ask.retire(3));
  assert.deepEqual(plan.shadows, []);
});

test('what is so already is not recorded again', async () => {
  const world = await worldWithVersions(1);
  await world.record(ask.register());
  await world.record(ask.retire(2));
  const directory = world.registry.directory();
  for (const command of [ask.approve(1), ask.born(1), ask.retire(2), ask.born(2)]) {
    assert.deepEqual(decide(directory, command), { kind: 'already' });
  }
  assert.equal(refusalOf(directory, ask.approve(2)), 'conflict: version 2 is retired');
});

test('a birth makes the version a shadow', async () => {
  const world = await worldWithVersions(1);
  await world.record(ask.register());
  assert.deepEqual(world.plan().shadows, [1]);
  await world.record(ask.born(2));
  assert.deepEqual(world.plan().shadows, [1, 2]);
  assert.deepEqual(
    world.model().versions.map(({ life, bornPosition }) => [life, bornPosition]),
    [
      ['live', 9],
      ['live', 9],
    ],
  );
});

test('no sequence of commands gives traffic to a version that may not have it, or life to more than four', () => {
  const version = fc.integer({ min: 1, max: 7 });
  const nullable = fc.option(version, { nil: null });
  const command: fc.Arbitrary<(planVersion: number) => Command> = fc.oneof(
    fc.constant(() => ask.register()),
    fc.option(version, { nil: undefined }).map((parent) => () => ask.register('copy', parent)),
    version.map((one) => () => ask.born(one)),
    version.map((one) => () => ask.approve(one)),
    version.map((one) => () => ask.retire(one)),
    fc
      .record({
        stable: nullable,
        candidate: nullable,
        candidateWeightBp: fc.integer({ min: -1, max: 10_001 }),
        shadows: fc.option(fc.array(version, { maxLength: 4 }), { nil: undefined }),
      })
      .map((wanted) => (planVersion: number) => ask.traffic(planVersion, wanted)),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
      let directory: ModelDirectory = new Map();
      let sequence = 0;
      const apply = (next: Command): void => {
        const decision = decide(directory, next);
        if (decision.kind !== 'append') return;
        const [event] = decision.events;
        assert.ok(event !== undefined);
        sequence += 1;
        directory = evolveDirectory(directory, {
          ...event,
          sequence,
          eventId: '',
          atMs: 0,
          actor: '',
          reason: '',
          body: JSON.stringify(event.body),
          plan: { ...event.plan, planVersion: sequence },
          previousHash: '',
          hash: '',
        });
      };
      apply(ask.create);
      for (const make of commands) {
        apply(make(directory.get('clicks')?.plan.planVersion ?? 0));
        const model = directory.get('clicks');
        assert.ok(model !== undefined);
        const { stable, candidate, candidateWeightBp, shadows } = model.plan;
        const known = (one: number | null): (typeof model.versions)[number] | undefined =>
          model.versions.find((state) => state.version === one);
        for (const owner of [stable, candidate]) {
          if (owner === null) continue;
          assert.equal(known(owner)?.life, 'live');
          assert.equal(known(owner)?.isApproved, true);
          assert.ok(!shadows.includes(owner));
        }
        for (const shadow of shadows) assert.equal(known(shadow)?.life, 'live');
        assert.equal(new Set(shadows).size, shadows.length);
        assert.ok(candidateWeightBp >= 0 && candidateWeightBp <= (candidate === null ? 0 : 10_000));
        assert.ok(candidate === null || (stable !== null && stable !== candidate));
        assert.ok(model.versions.filter(({ life }) => life !== 'retired').length <= LIVE_VERSIONS_MAX);
      }
    }),
  );
});
