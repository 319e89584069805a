import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fullOf, deltaOf, GOLDEN_ROWS, scoreOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';
import { createWorld } from './router-world.ts';
import { askFor, DELTA_KEY, KEY, ROW, scoredBy, worldWith } from './version-world.ts';

test('a version without a snapshot is not ready and says so', () => {
  const world = createWorld();
  assert.equal(world.versions.notReady('clicks', 1), 'no snapshot yet');
});

test('a version is ready once its first full snapshot scores the golden rows as the learner does', async () => {
  const world = await worldWith(0.5);
  assert.equal(world.versions.notReady('clicks', 1), undefined);
  assert.deepEqual(world.scorers.runs, [GOLDEN_ROWS.length]);
  assert.deepEqual(await scoredBy(world), { score: scoreOf(weightsOf(0.5), ROW), position: 100 });
  assert.deepEqual(
    world.told.all.filter((one) => one.startsWith('freshness')),
    ['freshness clicks 1000'],
  );
});

test('a parity mismatch is never served, is counted, and the next good full snapshot heals it', async () => {
  const world = createWorld();
  world.versions.take(KEY, fullOf(weightsOf(0.5), { goldenScores: [0.9, 0.9] }));
  await world.settle();
  assert.match(world.versions.notReady('clicks', 1) ?? '', /^parity-mismatch: golden row 0 scores 0\.62/);
  assert.equal(await scoredBy(world), 'failed');
  assert.equal(world.told.count('snapshot clicks full parity-mismatch'), 1);

  world.versions.take(
    DELTA_KEY,
    deltaOf(weightsOf(0.6), [TABLE_SIZE - 1], { position: 110, basePosition: 100 }),
  );
  await world.settle();
  assert.equal(await scoredBy(world), 'failed');

  world.versions.take(KEY, fullOf(weightsOf(0.7), { position: 120 }));
  await world.settle();
  assert.equal(((await scoredBy(world)) as { position: number }).position, 120);
});

test('a mismatch found on the sample takes the version out of service', async () => {
  const world = await worldWith(0.5);
  const wrong = { goldenScores: [0.9, 0.9] };
  const outcomes: boolean[] = [];
  for (const position of [101, 102, 103]) {
    world.versions.take(KEY, fullOf(weightsOf(0.5), { position, ...wrong }));
    await world.settle();
    outcomes.push(world.versions.notReady('clicks', 1) === undefined);
  }
  assert.deepEqual(outcomes, [true, true, false]); // every third is checked
});

test('the first snapshot of a new incarnation is always checked', async () => {
  const world = await worldWith(0.5);
  world.versions.take(
    KEY,
    fullOf(weightsOf(0.5), { incarnation: 2, position: 90, goldenScores: [0.9, 0.9] }),
  );
  await world.settle();
  assert.match(world.versions.notReady('clicks', 1) ?? '', /parity-mismatch/);
});

test('a graph that cannot be loaded leaves the version not ready, with the reason', async () => {
  const world = createWorld();
  world.versions.take(KEY, fullOf(weightsOf(0.5), { graph: new Uint8Array() }));
  await world.settle();
  assert.equal(world.versions.notReady('clicks', 1), 'unloadable: graph has no bytes');
});

test('a snapshot that scales another number of features than the model has is not served', async () => {
  const world = createWorld({ spec: { features: [{ name: 'shop', type: 'categorical' }] } });
  world.versions.take(KEY, fullOf(weightsOf(0.5)));
  await world.settle();
  assert.match(world.versions.notReady('clicks', 1) ?? '', /scales 1 features, the model has 0 numeric ones/);
});

test('a newer full snapshot and deltas on it are applied in place, in one session', async () => {
  const world = await worldWith(0.5);
  world.versions.take(KEY, fullOf(weightsOf(0.6), { position: 200 }));
  await world.settle();
  assert.deepEqual(await scoredBy(world), { score: scoreOf(weightsOf(0.6), ROW), position: 200 });
  world.versions.take(
    DELTA_KEY,
    deltaOf(weightsOf(0.7), [TABLE_SIZE - 1], { position: 210, basePosition: 200 }),
  );
  await world.settle();
  assert.deepEqual(await scoredBy(world), { score: scoreOf(weightsOf(0.7), ROW), position: 210 });
  assert.equal(world.scorers.openCount(), 1);
});

test('a delta that waits is of no use once a newer full snapshot has come', async () => {
  const world = createWorld();
  world.versions.take(KEY, fullOf(weightsOf(0.1), { position: 100 }));
  world.versions.take(
    DELTA_KEY,
    deltaOf(weightsOf(0.2), [TABLE_SIZE - 1], { position: 110, basePosition: 100 }),
  );
  world.versions.take(KEY, fullOf(weightsOf(0.3), { position: 120 }));
  await world.settle();
  assert.deepEqual(await scoredBy(world), { score: scoreOf(weightsOf(0.3), ROW), position: 120 });
});

test('another graph is loaded, checked, and takes the place of the one before', async () => {
  const world = await worldWith(0.5);
  const graph = Uint8Array.of(9, 9);
  world.versions.take(KEY, fullOf(weightsOf(0.6), { position: 110, graph }));
  await world.settle();
  assert.equal(((await scoredBy(world)) as { position: number }).position, 110);
  assert.equal(world.scorers.openCount(), 1);
  assert.deepEqual(world.scorers.runs, [2, 2, 1]);
});

test('snapshots that come faster than they can be applied leave the newest full and the newest delta', async () => {
  const world = createWorld();
  world.versions.take(KEY, fullOf(weightsOf(0.1), { position: 100 }));
  world.versions.take(KEY, fullOf(weightsOf(0.2), { position: 200 }));
  world.versions.take(
    DELTA_KEY,
    deltaOf(weightsOf(0.3), [TABLE_SIZE - 1], { position: 210, basePosition: 200 }),
  );
  world.versions.take(
    DELTA_KEY,
    deltaOf(weightsOf(0.4), [TABLE_SIZE - 1], { position: 220, basePosition: 200 }),
  );
  await world.settle();
  assert.deepEqual(await scoredBy(world), { score: scoreOf(weightsOf(0.4), ROW), position: 220 });
  assert.equal(world.told.count('snapshot clicks full superseded'), 1);
  assert.equal(world.told.count('snapshot clicks delta superseded'), 1);
});

for (const kind of ['full', 'delta'] as const) {
  test(`a ${kind} snapshot that comes while a run is under way is applied after it, and the answer names the one that scored`, async () => {
    const world = await worldWith(0.5);
    world.scorers.hold();
    const underWay = scoredBy(world);
    await world.settle();
    const next =
      kind === 'full'
        ? fullOf(weightsOf(0.9), { position: 110 })
        : deltaOf(weightsOf(0.9), [TABLE_SIZE - 1], { position: 110, basePosition: 100 });
    world.versions.take(KEY, next);
    const later = scoredBy(world);
    await world.settle();
    world.scorers.release();
    assert.deepEqual(await underWay, { score: scoreOf(weightsOf(0.5), ROW), position: 100 });
    assert.deepEqual(await later, { score: scoreOf(weightsOf(0.9), ROW), position: 110 });
  });
}

test('rows asked for in one turn are scored in one run, at most the largest batch', async () => {
  const world = createWorld({ batchMax: 8 });
  world.versions.take(KEY, fullOf(weightsOf(0.5)));
  await world.settle();
  await Promise.all(Array.from({ length: 20 }, () => scoredBy(world)));
  assert.deepEqual(world.scorers.runs.slice(1), [8, 8, 4]);
});

test('every row of a run gets its own score', async () => {
  const weights = weightsOf(0);
  weights.forEach((_, i) => {
    weights[i] = i / 100;
  });
  const world = createWorld();
  world.versions.take(KEY, fullOf(weights));
  await world.settle();
  const rows = ['a', 'b', 'c', 'd', 'e'].map((shop) => [shop, null, null]);
  const server = world.versions.of('clicks', 1);
  assert.ok(server);
  const results = await Promise.all(rows.map((row) => askFor(server, row)));
  assert.deepEqual(
    results.map((result) => result.ok && result.score),
    rows.map((row) => scoreOf(weights, row)),
  );
});

test('a run that throws fails its rows only, and is counted', async () => {
  const world = await worldWith(0.5);
  world.scorers.meddle(() => {
    throw new Error('no memory');
  });
  assert.equal(await scoredBy(world), 'failed');
  world.scorers.meddle(undefined);
  assert.notEqual(await scoredBy(world), 'failed');
  assert.equal(world.told.count('failedRun clicks 1'), 1);
});

test('a score that is no number fails its row only', async () => {
  const world = await worldWith(0.5);
  world.scorers.meddle((scores) => scores.map((score, row) => (row === 1 ? NaN : score)));
  const results = await Promise.all([scoredBy(world), scoredBy(world), scoredBy(world)]);
  assert.deepEqual(
    results.map((result) => result === 'failed'),
    [false, true, false],
  );
});

test('a snapshot that comes before its model is known is applied when it is', async () => {
  const world = createWorld();
  const clicks = world.models.get('clicks');
  assert.ok(clicks);
  world.models.clear();
  world.versions.take(KEY, fullOf(weightsOf(0.5)));
  await world.settle();
  assert.equal(world.versions.notReady('clicks', 1), 'no snapshot yet');
  world.models.set('clicks', clicks);
  world.versions.directoryChanged(world.models);
  await world.settle();
  assert.equal(world.versions.notReady('clicks', 1), undefined);
});

test('the status names position, incarnation and reason of every planned version', async () => {
  const world = await worldWith(0.5);
  world.setPlan({ candidate: 2 });
  assert.deepEqual(world.versions.status(), [
    {
      model: 'clicks',
      planVersion: 7,
      versions: [
        { version: 1, ready: true, position: 100, incarnation: 1, reason: '' },
        { version: 2, ready: false, position: -1, incarnation: -1, reason: 'no snapshot yet' },
      ],
    },
  ]);
  world.setPlan({ model: 'other' });
  assert.deepEqual(world.versions.status(), [{ model: 'clicks', planVersion: -1, versions: [] }]);
});
