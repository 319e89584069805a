import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routerRelations, routerSettings } from '../../../services/router/config.ts';
import { createInjectedFailures } from '../../../services/router/domain/injected-failures.ts';
import { loadConfig } from '../../../shared/config/load-config.ts';
import { countMemory } from '../../../services/router/adapters/memory-count.ts';
import type { MemoryCount } from '../../../services/router/domain/run-memory.ts';
import { createWorld, serve, answerOf, BODY } from './router-world.ts';

const rows = Array.from({ length: 2000 }, (_, i) => [`route-${String(i)}`, i % 7, 12.5]);

function failsOn(setting: string, version = 4, model = 'flights'): boolean[] {
  const beforeRun = createInjectedFailures(setting);
  return rows.map((row) => {
    try {
      beforeRun?.(model, version, [row]);
      return false;
    } catch {
      return true;
    }
  });
}

test('a version fails on about the injected share of rows, and on the same rows each time', () => {
  const failed = failsOn('flights/4:0.3');
  const share = failed.filter(Boolean).length / failed.length;
  assert.ok(share > 0.26 && share < 0.34, String(share));
  assert.deepEqual(failsOn('flights/4:0.3'), failed);
});

test('nothing fails without the setting, and neither do other versions or models', () => {
  for (const failed of [failsOn(''), failsOn('flights/4:0.3', 3), failsOn('flights/4:0.3', 4, 'clicks')])
    assert.ok(!failed.includes(true));
});

test('one row of the share lets the whole run fail', () => {
  const beforeRun = createInjectedFailures('flights/4:1');
  assert.throws(() => {
    beforeRun?.('flights', 4, [[1], [2]]);
  }, /injected failure/);
});

test('the setting takes a model, a version and a share, and nothing else', () => {
  const load = (INJECT_FAILURES: string): unknown =>
    loadConfig(routerSettings, { INJECT_FAILURES }, routerRelations);
  for (const good of ['', 'flights-late/4:0.3', 'a/1:1', 'a/1:1:hang', 'a/1:0.5:nan', 'a/1:1:memory'])
    load(good);
  for (const bad of [
    'flights-late',
    'flights-late/4',
    'flights-late/0:0.3',
    'flights-late/4:30',
    'a/1:1:sleep',
  ])
    assert.throws(() => load(bad), /INJECT_FAILURES/);
});

test('a candidate with injected failures passes its golden rows, is logged as failed, and stable answers', async () => {
  const world = createWorld({ injectFailures: 'clicks/2:1' });
  await serve(world, 1, 0.1);
  await serve(world, 2, 0.2);
  assert.equal(world.versions.notReady('clicks', 2), undefined);
  world.setPlan({ candidate: 2, candidateWeightBp: 10_000 });
  assert.equal(answerOf(await world.predict(BODY)).version, 1);
  const [prediction] = await world.logged();
  assert.deepEqual(
    prediction?.scores.map(({ version, failed }) => [version, failed]),
    [
      [2, true],
      [1, false],
    ],
  );
});

test('a candidate that gives NaN, hangs or takes memory is spoiled that way alone', async () => {
  const versionAfter = async (how: string, countMemory?: () => MemoryCount): Promise<number> => {
    const world = createWorld({ injectFailures: `clicks/2:1:${how}`, ...(countMemory && { countMemory }) });
    await serve(world, 1, 0.1);
    await serve(world, 2, 0.2);
    world.setPlan({ candidate: 2, candidateWeightBp: 10_000 });
    const answering = world.predict(BODY);
    await world.settle();
    world.timers.runOut(500);
    return answerOf(await answering).version;
  };
  assert.equal(await versionAfter('nan'), 1);
  assert.equal(await versionAfter('hang'), 1, 'over its budget');
  // Real memory, of which objects are left out: when they are collected during the run, what it took is unknown.
  const countBuffers = (): MemoryCount => ({ ...countMemory(), heapBytes: 0 });
  assert.equal(await versionAfter('memory', countBuffers), 1, 'over its limit');
  assert.equal(await versionAfter('memory'), 2, 'of which nothing is seen');
});
