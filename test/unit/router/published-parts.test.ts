import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ArtefactChunks } from '../../../services/router/domain/artefact-chunks.ts';
import { restartPauseMs } from '../../../services/router/domain/restarts.ts';
import { inputColumns } from '../../../shared/domain/published-model.ts';
import { createWorld, versionState } from './router-world.ts';

const FEATURES = [
  { name: 'colour', type: 'categorical' },
  { name: 'size', type: 'numeric' },
  { name: 'isNew', type: 'boolean' },
] as const;

test('rows become tensors of each type, and a missing value is said in each', () => {
  const inputs = [
    { name: 'a', type: 'float32', features: ['size', 'isNew'] },
    { name: 'b', type: 'int64', features: ['size'] },
    { name: 'c', type: 'string', features: ['colour'] },
    { name: 'd', type: 'bool', features: ['isNew'] },
    { name: 'e', type: 'float64', features: ['size'] },
  ] as const;
  const rows = [
    ['red', 2.5, true],
    [7, null, null],
    [null, undefined, false],
  ];
  assert.deepEqual(inputColumns(inputs, FEATURES, rows), [
    { name: 'a', type: 'float32', data: Float32Array.of(2.5, 1, NaN, NaN, NaN, 0), dims: [3, 2] },
    { name: 'b', type: 'int64', data: BigInt64Array.of(2n, 0n, 0n), dims: [3, 1] },
    { name: 'c', type: 'string', data: ['red', '7', ''], dims: [3, 1] },
    { name: 'd', type: 'bool', data: Uint8Array.of(1, 0, 0), dims: [3, 1] },
    { name: 'e', type: 'float64', data: Float64Array.of(2.5, NaN, NaN), dims: [3, 1] },
  ]);
  assert.throws(
    () => inputColumns([{ name: 'a', type: 'bool', features: ['x'] }], FEATURES, rows),
    /input a: x is no feature/,
  );
});

test('a file is whole when every chunk of it has come, in any order, among those of others', () => {
  const chunks = new ArtefactChunks('d1');
  const chunk = (digest: string, chunkIndex: number, chunkCount = 2): void => {
    chunks.take({ digest, chunkIndex, chunkCount, bytes: Buffer.from([chunkIndex]) });
  };
  assert.deepEqual([chunks.wants('d1/0'), chunks.wants('d12/0')], [true, false]);
  chunk('d1', 1);
  chunk('d2', 0);
  chunk('d1', 2);
  chunk('d1', 0, 0);
  assert.equal(chunks.pieces(), undefined);
  chunk('d1', 0);
  assert.deepEqual(chunks.pieces(), [Buffer.from([0]), Buffer.from([1])]);
});

test('pauses before restarts grow to a minute', () => {
  assert.deepEqual([1, 2, 3, 6, 60].map(restartPauseMs), [100, 400, 1600, 60_000, 60_000]);
});

test('a published version begins with the version log, needs no snapshot, and ends when it is retired', async () => {
  const world = createWorld();
  const [model] = world.models.values();
  assert.ok(model !== undefined);
  const published = {
    digest: 'd1',
    sizeBytes: 1,
    inputs: [],
    output: { name: 'p', column: 0 },
    probe: { row: [], score: 0.5 },
  };
  const version = { ...versionState(7), mode: 'published', published } as const;
  const log = (life: 'live' | 'retired'): void => {
    world.models.set('clicks', { ...model, versions: [...model.versions, { ...version, life }] });
    world.versions.directoryChanged(world.models);
  };
  log('live');
  await world.settle();
  assert.equal(world.versions.notReady('clicks', 7), 'restarting: file d1 is not on artefacts.v1');
  log('retired');
  assert.equal(world.versions.of('clicks', 7), undefined);
});
