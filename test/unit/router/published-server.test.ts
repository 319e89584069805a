import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { PublishedScorer } from '../../../services/router/ports.ts';
import { createPublishedServer } from '../../../services/router/published-server.ts';
import type { RowScore } from '../../../services/router/version-runs.ts';
import type { VersionServer } from '../../../services/router/version-server.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { recordingObserver } from './router-world.ts';
import { clickSpec } from './snapshot-records.ts';

const FILE = Buffer.from('the file');
const BUDGET_MS = 77;
const ROW = ['north', true, 12.5];

/** A published version with its file and its process in memory. */
interface World {
  readonly server: VersionServer;
  /** Pauses before each restart, ms, in order. */
  readonly pauses: number[];
  readonly opened: { end(why: string): void; isClosed: boolean }[];
  /** What the file scores; a promise that never settles stands for a run that hangs. */
  scores: (rows: readonly (readonly (FeatureValue | undefined)[])[]) => Promise<number[]>;
  file: Uint8Array | undefined;
  /** Lets the pause before a restart pass. */
  restart(): Promise<void>;
  score(): Promise<RowScore>;
  settle(): Promise<void>;
}

async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await turn();
}

function createWorld(): World {
  const pauses: number[] = [];
  const opened: World['opened'] = [];
  let due: (() => void) | undefined;
  const nowMs = 5000;
  const server = createPublishedServer({
    model: 'clicks',
    version: 2,
    published: {
      digest: sha256Hex([FILE]),
      sizeBytes: FILE.length,
      inputs: [],
      output: { name: 'p', column: 0 },
      probe: { row: ROW, score: 0.25 },
    },
    publishedAtMs: 4000,
    batchMax: 8,
    budgetMs: BUDGET_MS,
    memoryBytes: 1_000_000,
    isStable: () => false,
    onReadiness: () => undefined,
    ports: {
      log: silentLog,
      nowMs: () => nowMs,
      monotonicMs: () => nowMs,
      defer: setImmediate,
      after: (ms, work) => {
        if (ms === BUDGET_MS) return () => undefined;
        pauses.push(ms);
        due = work;
        return () => undefined;
      },
      countMemory: () => ({ heapBytes: 0, externalBytes: 0 }),
      sha256: sha256Hex,
      openScorer: () => Promise.reject(new Error('it is no learner')),
      openPublished: () => {
        const ended = Promise.withResolvers<string>();
        const one = { end: ended.resolve, isClosed: false };
        opened.push(one);
        const scorer: PublishedScorer = {
          async score(rows) {
            return { scores: await world.scores(rows), durationMs: 0.5 };
          },
          ended: ended.promise,
          close: () => {
            one.isClosed = true;
          },
        };
        return Promise.resolve(scorer);
      },
      readArtefact: () => Promise.resolve(world.file),
      beforeRun: undefined,
      specOf: () => clickSpec,
      observe: recordingObserver().observe,
    },
  });
  const world: World = {
    server,
    pauses,
    opened,
    scores: (rows) => Promise.resolve(rows.map(() => 0.25)),
    file: FILE,
    async restart() {
      due?.();
      await settle();
    },
    score: () =>
      new Promise((resolve) => {
        server.score({ hashed: undefined, values: () => ROW }, resolve);
      }),
    settle,
  };
  return world;
}

test('a published version serves once its file has the digest that was published and scores the probe alike', async () => {
  const world = createWorld();
  assert.equal(world.server.notReady(), 'its file is being loaded');
  world.server.wake();
  await world.settle();
  assert.equal(world.server.notReady(), undefined);
  const scored = await world.score();
  assert.deepEqual(scored, {
    ok: true,
    score: 0.25,
    scoringMicros: 500,
    snapshot: { incarnation: 0, position: -1, learnedToMs: null, publishedAtMs: 4000 },
  });
});

test('a file with another digest is never loaded, and one that is not there is looked for again after growing pauses', async () => {
  const world = createWorld();
  world.file = Buffer.from('another file');
  world.server.wake();
  await world.settle();
  assert.match(world.server.notReady() ?? '', /^restarting: the file has digest \w+, published was \w+$/);
  world.file = undefined;
  for (let i = 0; i < 3; i += 1) await world.restart();
  assert.match(world.server.notReady() ?? '', /^restarting: file \w+ is not on artefacts\.v1$/);
  assert.equal(world.opened.length, 0);
  assert.deepEqual(world.pauses, [100, 400, 1600, 6400]);
  world.file = FILE;
  await world.restart();
  assert.equal(world.server.notReady(), undefined);
});

test('a file that scores the probe otherwise than when it was checked is not served', async () => {
  const world = createWorld();
  world.scores = (rows) => Promise.resolve(rows.map(() => 0.75));
  world.server.wake();
  await world.settle();
  assert.match(world.server.notReady() ?? '', /golden row 0 scores 0\.75/);
  assert.equal(world.opened[0]?.isClosed, true);
  assert.equal((await world.score()).ok, false);
});

test('when its process ends, its rows have failed and another is started; the third in a row makes it unloadable', async () => {
  const world = createWorld();
  world.server.wake();
  await world.settle();
  for (const words of ['restarting', 'restarting', 'unloadable']) {
    world.scores = () => Promise.reject(new Error('it took more memory than the 256 MiB allowed'));
    const scoring = world.score();
    assert.equal((await scoring).ok, false);
    world.opened.at(-1)?.end('it took more memory than the 256 MiB allowed');
    await world.settle();
    assert.equal(world.server.notReady(), `${words}: it took more memory than the 256 MiB allowed`);
    world.scores = (rows) => Promise.resolve(rows.map(() => 0.25));
    await world.restart();
    assert.equal(world.server.notReady(), undefined);
  }
  assert.equal(world.opened.length, 4);
});

test('a version that was forgotten ends its process and starts no other', async () => {
  const world = createWorld();
  world.server.wake();
  await world.settle();
  world.server.close();
  assert.equal(world.opened[0]?.isClosed, true);
  world.opened[0].end('it was ended');
  await world.settle();
  assert.equal(world.opened.length, 1);
  assert.equal((await world.score()).ok, false);
});
