import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { createDiskCache } from '../../../services/router/adapters/disk-cache.ts';
import { hasLapsed } from '../../../services/router/domain/traffic-plans.ts';
import type { HeldPlan } from '../../../services/router/domain/traffic-plans.ts';
import type { CacheStore } from '../../../services/router/ports.ts';
import { createServingCache } from '../../../services/router/serving-cache.ts';
import type { ServingCache } from '../../../services/router/serving-cache.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { answerOf, BODY, createWorld, recordingObserver, serve } from './router-world.ts';
import type { RouterWorld, Told } from './router-world.ts';
import { deltaOf, fullOf, weightsOf } from './snapshot-records.ts';

const PLAN: HeldPlan = {
  publishedAtMs: 8000,
  leaseEndsMs: Infinity,
  model: 'clicks',
  planVersion: 7,
  stable: 1,
  candidate: 2,
  candidateWeightBp: 5000,
  shadows: [],
  salt: 's',
};

function makeDir(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-cache-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  return dir;
}

function cacheOf(
  world: RouterWorld,
  store: CacheStore,
  plans: ReadonlyMap<string, HeldPlan> = new Map([['clicks', PLAN]]),
): { cache: ServingCache; told: Told } {
  const { observe, told } = recordingObserver();
  const keepArtefacts = (): Promise<void> => Promise.resolve();
  const deps = { store, versions: world.versions, log: silentLog, observe, keepArtefacts };
  return { cache: createServingCache({ ...deps, directory: () => world.models, plans: () => plans }), told };
}

/** Serves version 1 from a full snapshot and a delta on it, and returns its score. */
async function serveLearned(world: RouterWorld): Promise<number> {
  await serve(world, 1, 0.5);
  const delta = deltaOf(weightsOf(0.75), [256], { position: 120, basePosition: 100 });
  world.versions.take('clicks#0/1/delta', delta);
  await world.settle();
  const answer = answerOf(await world.predict(BODY));
  assert.equal(answer.snapshotPosition, 120);
  return answer.score;
}

test('a router that begins again scores from its disk what it scored before, deltas included', async (t) => {
  const store = createDiskCache(join(makeDir(t), 'serving'));
  const before = createWorld();
  const score = await serveLearned(before);
  await cacheOf(before, store).cache.save();

  const after = createWorld();
  const { directory, plans } = await cacheOf(after, store).cache.restore();
  await after.settle();
  assert.deepEqual([...directory.keys()], ['clicks']);
  const [state, known] = [directory.get('clicks'), before.models.get('clicks')];
  assert.deepEqual([state?.spec, state?.versions], [known?.spec, known?.versions]);
  const plan = plans.get('clicks');
  assert.ok(
    plan !== undefined && plan.planVersion === 7 && hasLapsed(plan, 0),
    'its candidate answers nobody',
  );
  after.clock.nowMs = 100_000;
  const answer = answerOf(await after.predict(BODY));
  assert.deepEqual([answer.score, answer.snapshotPosition, answer.stalenessMs], [score, 120, 91_000]);
});

test('what Kafka brings replaces what the disk had, also when it is older', async (t) => {
  const store = createDiskCache(makeDir(t));
  const before = createWorld();
  await serveLearned(before);
  await cacheOf(before, store).cache.save();
  const after = createWorld();
  await cacheOf(after, store).cache.restore();
  await after.settle();
  after.versions.take('clicks#0/1/full', fullOf(weightsOf(-1), { position: 90 }));
  await after.settle();
  assert.equal(answerOf(await after.predict(BODY)).snapshotPosition, 90);
});

test('what Kafka has brought already stays when the disk comes late', async (t) => {
  const store = createDiskCache(makeDir(t));
  const world = createWorld();
  await serveLearned(world);
  const { cache } = cacheOf(world, store);
  await cache.save();
  world.versions.take('clicks#0/1/full', fullOf(weightsOf(-1), { position: 130 }));
  await world.settle();
  await cache.restore();
  await world.settle();
  assert.equal(answerOf(await world.predict(BODY)).snapshotPosition, 130);
});

test('a file that is damaged anywhere, cut or empty is refused and counted', async (t) => {
  const dir = makeDir(t);
  const world = createWorld();
  await serveLearned(world);
  await cacheOf(world, createDiskCache(dir)).cache.save();
  const path = join(dir, 'clicks.cache');
  const whole = readFileSync(path);
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(whole);
    copy[at] = (copy[at] ?? 0) ^ 1;
    return copy;
  };
  const damages = [0, 20, 90, Math.floor(whole.length / 2), whole.length - 1].map(flipped);
  for (const bytes of [...damages, whole.subarray(0, -1), whole.subarray(0, 40), Buffer.alloc(0)]) {
    writeFileSync(path, bytes);
    const fresh = createWorld();
    const { cache, told } = cacheOf(fresh, createDiskCache(dir));
    const { plans } = await cache.restore();
    await fresh.settle();
    assert.deepEqual([plans.size, told.all], [0, ['cacheFile refused']]);
    assert.equal(fresh.versions.notReady('clicks', 1), 'no snapshot yet');
  }
});

test('what is kept already is not written again; a newer snapshot or plan is', async (t) => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const plans = new Map([['clicks', PLAN]]);
  const { cache, told } = cacheOf(world, createDiskCache(makeDir(t)), plans);
  const written = (): number => told.count('cacheFile written');
  await cache.save();
  await cache.save();
  assert.equal(written(), 1);
  await serve(world, 1, 0.6, { position: 200 });
  await cache.save();
  assert.equal(written(), 2);
  plans.set('clicks', { ...PLAN, planVersion: 8 });
  await cache.save();
  assert.equal(written(), 3);
});

test('files of models that have no plan any more, and halves of files, are removed; others’ files are not', async (t) => {
  const dir = makeDir(t);
  const world = createWorld();
  await serve(world, 1, 0.5);
  for (const name of ['gone.cache', 'gone.cache.new', 'notes.txt']) writeFileSync(join(dir, name), 'x');
  await cacheOf(world, createDiskCache(dir)).cache.save();
  assert.deepEqual(readdirSync(dir).sort(), ['clicks.cache', 'notes.txt']);
});

test('a disk that is full is counted and tried again, and what it had stays', async (t) => {
  const disk = createDiskCache(makeDir(t));
  let isFull = true;
  const store: CacheStore = {
    ...disk,
    write: (model, bytes) => (isFull ? Promise.reject(new Error('ENOSPC')) : disk.write(model, bytes)),
  };
  const world = createWorld();
  await serve(world, 1, 0.5);
  const { cache, told } = cacheOf(world, store);
  await cache.save();
  await cache.save();
  assert.deepEqual(told.all, ['cacheFile failed', 'cacheFile failed']);
  isFull = false;
  await cache.save();
  assert.equal(told.count('cacheFile written'), 1);
});

test('parameters that do not score their golden rows are not kept, and are served no more', async (t) => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const { cache, told } = cacheOf(world, createDiskCache(makeDir(t)));
  world.scorers.meddle((scores) => scores.map((score) => score + 0.1));
  await cache.save();
  assert.equal(told.all.length, 0);
  assert.match(world.versions.notReady('clicks', 1) ?? '', /^parity-mismatch/);
});

test('a file that says another model, or is no stable version’s, is refused', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const files = new Map<string, Uint8Array>();
  const store: CacheStore = {
    write: (_model, bytes) => {
      files.set('other', bytes);
      return Promise.resolve();
    },
    readAll: () => Promise.resolve([...files].map(([model, bytes]) => ({ model, bytes }))),
    keepOnly: () => Promise.resolve(),
  };
  const { cache, told } = cacheOf(world, store);
  await cache.save();
  assert.equal((await cache.restore()).plans.size, 0);
  assert.equal(told.count('cacheFile refused'), 1);
});
