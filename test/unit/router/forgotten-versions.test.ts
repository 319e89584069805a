import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionState } from './router-world.ts';
import { askFor, DELTA_KEY, KEY, ROW, scoredBy, worldWith } from './version-world.ts';

for (const key of [KEY, DELTA_KEY]) {
  test(`a tombstone of ${key} forgets the version and frees its graph`, async () => {
    const world = await worldWith(0.5);
    world.setPlan({ stable: 2 });
    world.versions.take(key, null);
    await world.settle();
    assert.equal(world.versions.of('clicks', 1), undefined);
    assert.equal(world.scorers.openCount(), 0);
  });
}

test('a tombstone of a later chunk forgets nothing', async () => {
  const world = await worldWith(0.5);
  world.versions.take(`${KEY}/1`, null);
  assert.equal(world.versions.notReady('clicks', 1), undefined);
});

test('what was asked for before its version is forgotten is answered; what comes after fails', async () => {
  const world = await worldWith(0.5);
  world.scorers.hold();
  const server = world.versions.of('clicks', 1);
  const underWay = scoredBy(world);
  await world.settle();
  const waiting = scoredBy(world);
  world.setPlan({ stable: 2 });
  world.versions.take(KEY, null);
  world.scorers.release();
  assert.notEqual(await underWay, 'failed');
  assert.notEqual(await waiting, 'failed');
  assert.equal(server && (await askFor(server, ROW)).ok, false);
});

test('a retired version is forgotten once the plan names it no more, and its snapshots are not even decoded', async () => {
  const world = await worldWith(0.5);
  const clicks = world.models.get('clicks');
  assert.ok(clicks);
  assert.equal(world.versions.wants(KEY), true);
  world.models.set('clicks', { ...clicks, versions: [versionState(1, 'retired'), versionState(2)] });
  world.versions.directoryChanged(world.models);
  assert.equal(world.versions.wants(KEY), false);
  assert.equal(world.versions.wants('clicks#0/2/full'), true);
  assert.equal(world.versions.wants('nonsense'), false);
  world.versions.take(KEY, null);
  await world.settle();
  assert.notEqual(await scoredBy(world), 'failed'); // the plan without it is still on its way
  world.setPlan({ stable: 2 });
  world.versions.directoryChanged(world.models);
  await world.settle();
  assert.equal(world.versions.of('clicks', 1), undefined);
  assert.equal(world.scorers.openCount(), 0);
});
