import assert from 'node:assert/strict';
import { test } from 'node:test';
import { prediction, WINDOW_MS } from '../../contract/join/join-items.ts';
import { createJoinWorld, modelState } from './join-world.ts';

test('a watermark is emitted only when every window before it has been: more of them than are closed at once hold it', async () => {
  const world = await createJoinWorld([modelState('clicks')]);
  const many = Array.from({ length: 1500 }, (_, index) => prediction(`0~${String(index)}`, 10_000));
  world.writePredictions('clicks', many);
  await world.read('predictions.v1');
  const closed: [number, number][] = [];
  for (const later of [1, 2]) {
    const atMs = 10_000 + WINDOW_MS + later;
    world.writePredictions('clicks', [prediction(`0~later-${String(later)}`, atMs)]);
    const emitted = await world.read('predictions.v1');
    const events = emitted.reduce((sum, record) => sum + record.events.length, 0);
    closed.push([events, Math.max(...emitted.map(({ watermarkMs }) => watermarkMs ?? 0))]);
  }
  assert.deepEqual(closed, [
    [1000, 10_000],
    [500, 10_000 + WINDOW_MS + 2],
  ]);
});
