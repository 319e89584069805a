import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { cacheBytes, readCacheBytes } from '../../../services/router/domain/cache-file.ts';
import type { VersionServer } from '../../../services/router/version-server.ts';
import { inPieces } from './pieces.ts';
import { createWorld, serve } from './router-world.ts';
import type { RouterWorld } from './router-world.ts';
import { deltaOf, TABLE_SIZE, weightsOf } from './snapshot-records.ts';
import { DELTA_KEY, KEY, scoredBy } from './version-world.ts';

const BIAS = TABLE_SIZE - 1;
const PIECES = 40;

function serverOf(world: RouterWorld): VersionServer {
  const server = world.versions.of('clicks', 1);
  assert.ok(server);
  return server;
}

/** Captures the bias at the first and the last of many pieces. */
function biasCaptured(world: RouterWorld): Promise<(number | undefined)[] | undefined> {
  return serverOf(world).capture(function* ({ weights }) {
    const first = weights[BIAS];
    for (let piece = 0; piece < PIECES; piece += 1) yield;
    return [first, weights[BIAS]];
  });
}

const deltaTo = (bias: number, position: number) =>
  deltaOf(weightsOf(bias), [BIAS], { position, basePosition: 100 });

test('while parameters are captured piece by piece requests are answered and nothing is applied', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const captured: unknown[] = [];
  const capturing = biasCaptured(world).then((biases) => captured.push(biases));
  world.versions.take(DELTA_KEY, deltaTo(0.75, 120));
  const isOver = (): boolean => captured.length > 0;
  const meanwhile: unknown[] = [];
  while (!isOver()) {
    const answer = await scoredBy(world);
    if (!isOver()) meanwhile.push(answer === 'failed' ? answer : answer.position);
  }
  assert.ok(meanwhile.length > 3, String(meanwhile));
  assert.deepEqual([...new Set(meanwhile)], [100]);
  await capturing;
  assert.deepEqual(captured, [[0.5, 0.5]]);
  await world.settle();
  assert.equal(((await scoredBy(world)) as { position: number }).position, 120);
});

test('a capture that fails between two pieces rejects, and what came meanwhile is applied', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const captured = serverOf(world).capture(function* () {
    yield;
    throw new Error('no room');
  });
  world.versions.take(DELTA_KEY, deltaTo(0.75, 120));
  await assert.rejects(captured, /no room/);
  await world.settle();
  assert.equal(((await scoredBy(world)) as { position: number }).position, 120);
});

test('two that capture at once have the same, and one that comes meanwhile has what was applied when they have ended', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const both = [biasCaptured(world), biasCaptured(world)];
  for (let piece = 0; piece < PIECES / 4; piece += 1) await turn();
  const later = serverOf(world).capture(function* ({ position }) {
    yield;
    return position;
  });
  world.versions.take(DELTA_KEY, deltaTo(0.75, 120));
  assert.deepEqual(await Promise.all(both), [
    [0.5, 0.5],
    [0.5, 0.5],
  ]);
  assert.equal(await later, 120);
});

test('a version that is forgotten while it is captured is gone, and the capture is whole', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const captured = biasCaptured(world);
  world.setPlan({ stable: 2 });
  world.versions.take(KEY, null);
  await world.settle();
  assert.equal(world.versions.of('clicks', 1), undefined);
  assert.ok([undefined, 0.5].includes((await captured)?.[1]));
  assert.equal(world.scorers.openCount(), 0);
});

test('the bytes of a large table are copied in pieces of half a mebibyte, and are read again', async () => {
  const world = createWorld();
  await serve(world, 1, 0.5);
  const [state] = world.models.values();
  assert.ok(state?.plan);
  const tableBits = 18;
  const weights = Float32Array.from({ length: 2 ** tableBits + 1 }, (_, i) => i / 7);
  const numbers = { weights, means: Float64Array.of(1, 2), invStds: Float64Array.of(3, 4) };
  const place = { incarnation: 1, position: 2, tableBits, learnedToMs: 3, publishedAtMs: 4 };
  const snapshot = {
    ...place,
    ...numbers,
    graph: Uint8Array.of(1),
    indices: null,
    goldenRows: [],
    goldenScores: [],
  };
  const plan = { ...state.plan, publishedAtMs: 5 };
  const { result, pieces } = inPieces(cacheBytes({ state, plan, version: 1, snapshot }));
  assert.equal(pieces, 3 + 3);
  assert.deepEqual(readCacheBytes(result)?.snapshot, snapshot);
});
