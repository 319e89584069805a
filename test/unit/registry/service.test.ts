import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelVersionEvent } from '../../../shared/domain/events.ts';
import { ask, createRegistryWorld, worldWithVersions } from './registry-world.ts';

test('commands are taken one at a time, in order, each on what the one before left', async () => {
  const world = createRegistryWorld();
  let release = (): void => undefined;
  world.beforeCommit = () => new Promise((resolve) => (release = resolve));
  const results = [ask.create, ask.register(), ask.born(1), ask.approve(1)].map((one) => world.take(one));
  for (let done = 0; done < results.length; done += 1) {
    await new Promise(setImmediate);
    assert.equal(world.commits.length, done);
    release();
    assert.equal((await results[done])?.kind, 'recorded');
  }
  assert.deepEqual(
    world.events().map(({ sequence, kind }) => [sequence, kind]),
    [
      [1, 'ModelCreated'],
      [2, 'VersionRegistered'],
      [3, 'VersionBorn'],
      [4, 'VersionApproved'],
    ],
  );
});

test('an event says who, why, when and what, and its plan goes out in the same transaction', async () => {
  const world = createRegistryWorld();
  await world.record(ask.create);
  const [[event, plan] = []] = world.commits;
  assert.equal(event?.topic, 'model-versions.v1');
  assert.deepEqual(
    [event.key, event.partition, plan?.topic, plan?.key],
    ['clicks', 0, 'traffic.v1', 'clicks'],
  );
  const { actor, reason, eventId } = event.value as ModelVersionEvent;
  assert.deepEqual([actor, reason, eventId], ['ada', 'a test', 'id-1']);
});

test('a repeated idempotency key gives the first event and records nothing', async () => {
  const world = await worldWithVersions(1);
  const first = await world.take(ask.register(), { idempotencyKey: 'k' });
  const events = world.events().length;
  assert.deepEqual(await world.take(ask.register(), { idempotencyKey: 'k' }), first);
  assert.equal(world.events().length, events);
});

test('an idempotency key is known after a restart', async () => {
  const world = await worldWithVersions(1);
  const first = await world.take(ask.register(), { idempotencyKey: 'k' });
  const restarted = createRegistryWorld();
  for (const event of world.events()) restarted.registry.fold(event);
  assert.deepEqual(await restarted.take(ask.register(), { idempotencyKey: 'k' }), first);
});

test('an idempotency key of another model or another kind of command is refused', async () => {
  const world = await worldWithVersions(2);
  await world.take(ask.register(), { idempotencyKey: 'k' });
  const other = { ...ask.create, model: 'other' };
  for (const command of [other, ask.retire(2)]) {
    const result = await world.take(command, { idempotencyKey: 'k' });
    assert.equal(result.kind, 'refused');
    assert.equal(result.refusal.kind, 'conflict');
  }
  assert.equal(world.model().versions[1]?.life, 'live');
});

test('the plan’s number changes with the plan and only then', async () => {
  const world = createRegistryWorld();
  const numbers: number[] = [];
  for (const command of [ask.create, ask.register(), ask.approve(1), ask.born(1)]) {
    await world.record(command);
    numbers.push(world.plan().planVersion);
  }
  assert.deepEqual(numbers, [1, 1, 1, 4]);
  await world.record(ask.traffic(4, { stable: 1 }));
  assert.equal(world.plan().planVersion, 5);
  await world.record(ask.traffic(5, { stable: 1 }));
  assert.equal(world.plan().planVersion, 6);
  assert.deepEqual(
    world.commits.map((records) => records.length),
    [2, 1, 1, 2, 2, 2],
  );
});

test('a commit that fails folds nothing, and the next command is taken on the same state', async () => {
  const world = await worldWithVersions(1);
  const before = world.registry.directory();
  world.beforeCommit = () => Promise.reject(new Error('fenced'));
  await assert.rejects(world.take(ask.register()), /fenced/);
  assert.equal(world.registry.directory(), before);
  world.beforeCommit = () => Promise.resolve();
  assert.equal((await world.record(ask.register())).sequence, 5);
  assert.equal(world.registry.broken(), undefined);
});

test('an event that was folded when it was written is not folded again', async () => {
  const world = await worldWithVersions(1);
  const before = world.registry.directory();
  for (const event of world.events()) world.registry.fold(event);
  assert.equal(world.registry.directory(), before);
  assert.equal(world.registry.broken(), undefined);
  assert.equal(world.registry.history('clicks').length, 4);
});

test('a broken chain is named, changes nothing and stops decisions', async () => {
  const world = await worldWithVersions(1);
  const restarted = createRegistryWorld();
  const [first, second, third] = world.events() as [ModelVersionEvent, ModelVersionEvent, ModelVersionEvent];
  restarted.registry.fold(first);
  restarted.registry.fold({ ...second, actor: 'mallory' });
  assert.equal(restarted.registry.broken(), 'event 2 was changed after it was written');
  restarted.registry.fold(second);
  restarted.registry.fold(third);
  assert.equal(restarted.registry.broken(), 'event 2 was changed after it was written');
  assert.equal(restarted.model().versions.length, 0);
  const result = await restarted.take(ask.register());
  assert.equal(result.kind, 'refused');
  assert.match(result.refusal.message, /event 2 was changed/);
  assert.deepEqual(restarted.commits, []);
});

test('republishing sends the plan of every model once more, and nothing when there is none', async () => {
  const world = createRegistryWorld();
  await world.registry.republish();
  assert.equal(world.commits.length, 0);
  await world.record(ask.create);
  const plan = world.commits[0]?.[1];
  await world.registry.republish();
  const again = world.commits.at(-1);
  assert.equal(again?.length, 1);
  assert.deepEqual(
    { ...(again[0]?.value as object), publishedAtMs: 0 },
    { ...(plan?.value as object), publishedAtMs: 0 },
  );
});

test('a refused command records nothing', async () => {
  const world = await worldWithVersions(1);
  const events = world.events().length;
  assert.equal((await world.take(ask.create)).kind, 'refused');
  assert.equal((await world.take(ask.approve(1))).kind, 'already');
  assert.equal(world.events().length, events);
});
