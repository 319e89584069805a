import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { openDisk } from '../../../services/router/adapters/disk.ts';
import type { Disk } from '../../../services/router/adapters/disk.ts';
import { PUBLISHED_POSITION } from '../../../shared/domain/published-model.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { atOnce, cacheBytes, readCacheBytes } from '../../../services/router/domain/cache-file.ts';
import { createServingCache } from '../../../services/router/serving-cache.ts';
import type { VersionServer } from '../../../services/router/version-server.ts';
import type { VersionServers } from '../../../services/router/version-servers.ts';
import { createWorld, recordingObserver } from './router-world.ts';

const FILE = Buffer.from('a published file');
const DIGEST = sha256Hex([FILE]);

interface Elsewhere {
  bytes: Uint8Array | undefined;
  reads: number;
}

function opened(t: TestContext): { dir: string; disk: Disk; elsewhere: Elsewhere } {
  const dir = mkdtempSync(join(tmpdir(), 'headrace-artefacts-'));
  t.after(() => {
    rmSync(dir, { recursive: true, force: true });
  });
  const elsewhere: Elsewhere = { bytes: FILE, reads: 0 };
  const read = (): Promise<Uint8Array | undefined> => {
    elsewhere.reads += 1;
    return Promise.resolve(elsewhere.bytes);
  };
  const disk = openDisk(dir, read, silentLog);
  assert.ok(disk !== undefined);
  return { dir: join(dir, 'artefacts'), disk, elsewhere };
}

test('a published file that was read once is there without Kafka', async (t) => {
  const { disk, elsewhere } = opened(t);
  assert.deepEqual(await disk.readArtefact(DIGEST), FILE);
  elsewhere.bytes = undefined;
  assert.deepEqual(await disk.readArtefact(DIGEST), FILE);
  assert.equal(elsewhere.reads, 1);
  assert.equal(await disk.readArtefact(sha256Hex([])), undefined, 'one that was never read is not');
});

test('a damaged file is read anew, bytes of another digest are not kept, and no name leads out of the directory', async (t) => {
  const { dir, disk, elsewhere } = opened(t);
  await disk.readArtefact(DIGEST);
  writeFileSync(join(dir, DIGEST), 'half a publ');
  assert.deepEqual(await disk.readArtefact(DIGEST), FILE);
  assert.equal(elsewhere.reads, 2);
  elsewhere.bytes = Buffer.from('something else');
  await disk.readArtefact(sha256Hex([Buffer.from('wanted')]));
  await disk.readArtefact('../../escape');
  assert.deepEqual(readdirSync(dir), [DIGEST]);
});

test('files that no version has any more are removed, and nothing else', async (t) => {
  const { dir, disk } = opened(t);
  await disk.readArtefact(DIGEST);
  const old = sha256Hex([Buffer.from('old')]);
  for (const name of [old, `${old}.new`, 'notes.txt']) writeFileSync(join(dir, name), 'x');
  await disk.keepArtefacts(new Set([DIGEST]));
  assert.deepEqual(readdirSync(dir).sort(), [DIGEST, 'notes.txt'].sort());
});

test('a router without a directory keeps nothing', () => {
  assert.equal(
    openDisk('', () => Promise.resolve(undefined), silentLog),
    undefined,
  );
});

test('a model whose stable version is a published file is kept with its plan, and comes back without parameters', async (t) => {
  const { disk } = opened(t);
  const world = createWorld();
  const applied = { incarnation: 0, position: PUBLISHED_POSITION, learnedToMs: null, publishedAtMs: 1 };
  const server = { applied: () => applied } as Partial<VersionServer> as VersionServer;
  const versions = { of: () => server, restore: () => assert.fail('it has none') };
  const plan = { ...world.models.get('clicks')?.plan, leaseEndsMs: Infinity, publishedAtMs: 5 };
  const { observe, told } = recordingObserver();
  const cache = createServingCache({
    ...disk,
    versions: versions as Partial<VersionServers> as VersionServers,
    directory: () => world.models,
    plans: () => new Map([['clicks', plan as never]]),
    log: silentLog,
    observe,
  });
  await cache.save();
  await cache.save();
  assert.deepEqual(told.all, ['cacheFile written'], 'once: nothing has changed');
  const { directory, plans } = await cache.restore();
  assert.deepEqual([...directory.keys()], ['clicks']);
  assert.equal(plans.get('clicks')?.stable, 1);
});

test('a cache file of a published version has nothing but its head', () => {
  const [state] = [...createWorld().models.values()];
  assert.ok(state?.plan);
  const bytes = atOnce(
    cacheBytes({ state, plan: { ...state.plan, publishedAtMs: 5 }, version: 1, snapshot: null }),
  );
  assert.equal(readCacheBytes(bytes)?.snapshot, null);
  assert.equal(readCacheBytes(Buffer.concat([bytes, Buffer.from('x')])), undefined);
});
