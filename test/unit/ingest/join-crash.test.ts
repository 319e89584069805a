import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TrainingEvents } from '../../../shared/domain/events.ts';
import { prediction, WINDOW_MS } from '../../contract/join/join-items.ts';
import { createJoinWorld, modelState } from './join-world.ts';

const PREDICTIONS = 'predictions.v1';
const LABELS = 'labels.v1';
const clicks = modelState('clicks');

function learned(records: readonly TrainingEvents[]): string[] {
  return records.flatMap(({ events }) => events.map(({ id, label }) => `${id} ${String(label)}`));
}

test('a pair whose event was never acknowledged outlives a crash, though its window was past and others were settled since', async () => {
  const world = await createJoinWorld([clicks]);
  world.writeLabels('clicks', [{ predictionId: '0~told', label: 1, observedAtMs: 10_400, source: '' }]);
  await world.read(LABELS);
  world.writePredictions('clicks', [
    prediction('0~told', 10_000),
    prediction('0~later', 10_000 + 3 * WINDOW_MS),
  ]);
  // The pair is made, and the watermark that follows lies far behind its window: then the process dies.
  await world.handle(world.batchOf(PREDICTIONS));
  await world.restart();
  const observedAtMs = 10_100 + 3 * WINDOW_MS;
  world.writeLabels('clicks', [{ predictionId: '0~later', label: 1, observedAtMs, source: '' }]);
  assert.deepEqual(learned(await world.read(LABELS)), ['0~later 1']);
  assert.deepEqual(learned(await world.read(PREDICTIONS)), ['0~told 1']);
  world.writePredictions('clicks', [prediction('0~last', 10_000 + 6 * WINDOW_MS)]);
  assert.deepEqual(learned(await world.read(PREDICTIONS)), []);
});

test('a window that was closed and not acknowledged is closed again after a crash, as the same event', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [
    prediction('0~silent', 10_000),
    prediction('0~later', 10_000 + 3 * WINDOW_MS),
  ]);
  const batch = world.batchOf(PREDICTIONS);
  await world.handle(batch);
  await world.restart();
  assert.deepEqual(learned(await world.read(PREDICTIONS)), ['0~silent 0']);
});
