import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPublishedScorers } from '../../../services/router/adapters/published-scorers.ts';
import type { PublishedScorer } from '../../../services/router/ports.ts';
import { HOSTILE_FILES, hungryFile, logisticFile } from '../../support/onnx-files.ts';
import { clickSpec } from './snapshot-records.ts';

const open = createPublishedScorers({ memoryMb: 256, loadMs: 10_000, runMs: 1000 });
const features = clickSpec.features.filter(({ type }) => type !== 'categorical').map(({ name }) => name);

function opened(file: Uint8Array): Promise<PublishedScorer> {
  const published = {
    digest: '',
    sizeBytes: file.length,
    inputs: [{ name: 'X', type: 'float32', features } as const],
    output: { name: 'p', column: 0 },
    probe: { row: [], score: 0 },
  };
  return open(file, published, clickSpec);
}

/** Returns a row of the spec with these numbers in the file's columns, in order. */
function rowOf(...values: readonly number[]): number[] {
  return clickSpec.features.map(({ name }) => values[features.indexOf(name)] ?? 0);
}

test('rows are scored in one run, and what is no probability is NaN', async () => {
  const scorer = await opened(logisticFile([1, 1]));
  const { scores, durationMs } = await scorer.score([rowOf(0, 0), rowOf(NaN, 0)]);
  assert.deepEqual([...Array.from(scores)], [0.5, NaN]);
  assert.ok(durationMs >= 0);
  scorer.close();
  await assert.rejects(scorer.score([rowOf(0, 0)]), /it was ended/);
});

test('a file that is none cannot be opened', async () => {
  await assert.rejects(opened(Buffer.from('no file')), /protobuf|model/i);
});

test('a run that has no end is ended with its process', async () => {
  const scorer = await opened(HOSTILE_FILES['no end']?.() ?? new Uint8Array());
  await assert.rejects(scorer.score([rowOf(0, 0)]), /it has not answered within 1000 ms/);
  assert.match(await scorer.ended, /it has not answered within 1000 ms/);
});

test('a run that takes too much memory fails, or is ended with its process', async () => {
  const scorer = await opened(hungryFile([1, 1]));
  assert.deepEqual(Array.from((await scorer.score([rowOf(0, 0)])).scores), [0.5]);
  await assert.rejects(scorer.score([rowOf(4, 0)]), /memory|alloc/i);
  scorer.close();
});
