import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routesOf } from './routes-world.ts';
import { ask, worldWithVersions } from './registry-world.ts';
import type { RegistryWorld } from './registry-world.ts';

const ROLLOUT = '/v1/models/clicks/rollout';

async function worldOfTwo(): Promise<RegistryWorld> {
  const world = await worldWithVersions(1);
  for (const command of [ask.register('copy', 1), ask.born(2), ask.approve(2)]) await world.record(command);
  await world.record(ask.traffic(world.plan().planVersion, { stable: 1 }));
  return world;
}

test('a rollout is started, promoted, paused, resumed, extended and aborted, and each answer shows where it stands', async () => {
  const world = await worldOfTwo();
  const send = await routesOf(world);
  const before = await send('GET', ROLLOUT);
  assert.deepEqual([before.status, before.body['rollout'], before.body['waitsFor']], [200, null, []]);
  const started = await send('POST', ROLLOUT, { version: 2, reason: 'a better rate' });
  assert.equal(started.status, 201);
  const { phase, rolloutId } = started.body['rollout'] as { phase: string; rolloutId: string };
  assert.deepEqual([phase, rolloutId], ['shadow', 'clicks/2/1']);
  assert.deepEqual(started.body['waitsFor'], [
    'every live router to have plan 9 with version 2 ready',
    'a verdict of the monitor on stage 0',
  ]);
  assert.equal(world.events().at(-1)?.reason, 'a better rate');
  assert.equal((await send('POST', ROLLOUT, { version: 2 })).status, 200);
  for (const [path, body] of [
    ['promote', { to: 'next' }],
    ['pause', undefined],
    ['resume', undefined],
    ['extend', { byMs: 1000 }],
    ['abort', undefined],
    ['abort', undefined],
  ] as const) {
    assert.equal((await send('POST', `${ROLLOUT}/${path}`, body)).status, 200, path);
  }
  assert.deepEqual(
    world
      .events()
      .slice(-6)
      .map(({ kind }) => kind),
    [
      'RolloutStarted',
      'RolloutAdvanced',
      'RolloutPaused',
      'RolloutResumed',
      'RolloutExtended',
      'RolloutAborted',
    ],
  );
});

test('a command that does not fit is refused with the reason', async () => {
  const send = await routesOf(await worldOfTwo());
  assert.equal((await send('POST', `${ROLLOUT}/pause`)).status, 409);
  assert.equal((await send('POST', ROLLOUT, { version: 9 })).status, 404);
  assert.equal((await send('POST', ROLLOUT, { version: 1 })).status, 422);
  for (const body of [
    {},
    { version: 0 },
    { version: 2, colour: 'red' },
    { version: 2, reason: 'x'.repeat(1025) },
  ])
    assert.equal((await send('POST', ROLLOUT, body)).status, 400);
  assert.equal((await send('POST', `${ROLLOUT}/promote`, { to: 'the moon' })).status, 400);
  assert.equal((await send('POST', `${ROLLOUT}/extend`, { byMs: 0 })).status, 400);
  assert.equal((await send('POST', '/v1/models/nobody/rollout', { version: 1 })).status, 404);
  assert.equal((await send('GET', '/v1/models/nobody/rollout')).status, 404);
});

test('traffic is not set by hand over a rollout, and the refusal names the way', async () => {
  const world = await worldOfTwo();
  const send = await routesOf(world);
  await send('POST', ROLLOUT, { version: 2 });
  const { status, body } = await send(
    'PUT',
    '/v1/models/clicks/traffic',
    { stable: 1 },
    { 'if-match': `"${String(world.plan().planVersion)}"` },
  );
  assert.equal(status, 409);
  assert.match(String(body['detail']), /abort it first \(POST …\/rollout\/abort\)/);
});

test('full is undone by one command, and a version shows the report of its validation suite', async () => {
  const world = await worldOfTwo();
  const send = await routesOf(world);
  await send('POST', ROLLOUT, { version: 2 });
  await send('POST', `${ROLLOUT}/promote`, { to: 'full' });
  assert.equal(world.plan().stable, 2);
  const full = await send('GET', ROLLOUT);
  assert.match(String((full.body['waitsFor'] as string[])[0]), /^the end of the rollback window: /);
  assert.equal((await send('POST', `${ROLLOUT}/undo`)).status, 200);
  assert.equal(world.plan().stable, 1);
  const version = await send('GET', '/v1/models/clicks/versions/2');
  assert.equal(version.body['validation'], null);
});

test('a twin fork is registered as one, and each half names the other', async () => {
  const world = await worldOfTwo();
  const send = await routesOf(world);
  const { status, body } = await send('POST', '/v1/models/clicks/versions/twin', { learner: { alpha: 0.5 } });
  assert.equal(status, 201);
  const { control, candidate } = body as Record<
    string,
    { version: number; twin: object; learner: { alpha: number } }
  >;
  assert.deepEqual(
    [control?.version, control?.twin, control?.learner.alpha],
    [3, { role: 'control', of: 4 }, 0.1],
  );
  assert.deepEqual(
    [candidate?.version, candidate?.twin, candidate?.learner.alpha],
    [4, { role: 'candidate', of: 3 }, 0.5],
  );
  assert.equal(world.commits.at(-1)?.length, 2, 'in one transaction');
  const full = await send('POST', '/v1/models/clicks/versions/twin', { learner: {} });
  assert.equal(full.status, 409);
  assert.match(String(full.body['detail']), /4 live versions, 2 more are wanted, at most 4/);
});
