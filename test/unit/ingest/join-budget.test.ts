import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Label } from '../../../shared/domain/events.ts';
import { joinPrediction, prediction } from '../../contract/join/join-items.ts';
import { createJoinWorld, modelState } from './join-world.ts';

const PREDICTIONS = 'predictions.v1';
const LABELS = 'labels.v1';
const clicks = modelState('clicks');

function label(predictionId: string, observedAtMs: number): Label {
  return { predictionId, label: 1, observedAtMs, source: '' };
}

test('predictions are paused above the budget, told, and resumed at four fifths of it', async () => {
  const one = Buffer.byteLength(JSON.stringify(joinPrediction('0~1', 10_000)));
  const world = await createJoinWorld([clicks], { budgetBytes: 4.5 * one });
  const ids = ['0~1', '0~2', '0~3', '0~4', '0~5'];
  world.writePredictions(
    'clicks',
    ids.map((id) => prediction(id, 10_000)),
  );
  await world.read(PREDICTIONS);
  assert.deepEqual(world.flow, ['pause predictions.v1/0']);
  assert.match(world.join.pushesBack() ?? '', /budget of \d/);
  world.writeLabels('clicks', [label('0~1', 10_001)]);
  await world.read(LABELS);
  assert.deepEqual(world.flow, ['pause predictions.v1/0']);
  world.writeLabels('clicks', [label('0~2', 10_001)]);
  await world.read(LABELS);
  assert.deepEqual(world.flow, ['pause predictions.v1/0', 'resume predictions.v1/0']);
  assert.equal(world.join.pushesBack(), undefined);
});

test('a shard over its budget keeps predictions paused whatever another shard does', async () => {
  const one = Buffer.byteLength(JSON.stringify(joinPrediction('0~1', 10_000)));
  const world = await createJoinWorld([clicks, modelState('other')], { budgetBytes: 1.5 * one });
  world.writePredictions('clicks', [prediction('0~1', 10_000), prediction('0~2', 10_000)]);
  await world.read(PREDICTIONS);
  world.writeLabels('other', [label('0~1', 10_001)]);
  await world.read(LABELS);
  assert.deepEqual(world.flow, ['pause predictions.v1/0']);
  assert.notEqual(world.join.pushesBack(), undefined);
  await world.join.takeOver([{ topic: PREDICTIONS, partition: 0 }]);
  assert.equal(world.join.pushesBack(), undefined, 'a rejoin resumes everything');
});
