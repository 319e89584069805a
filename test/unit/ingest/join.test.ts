import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Label, TrainingEvents } from '../../../shared/domain/events.ts';
import { joinPrediction, prediction, WINDOW_MS } from '../../contract/join/join-items.ts';
import { createJoinWorld, emittedBy, modelState } from './join-world.ts';

const PREDICTIONS = 'predictions.v1';
const LABELS = 'labels.v1';
const clicks = modelState('clicks');

function label(predictionId: string, observedAtMs: number, truth = 1): Label {
  return { predictionId, label: truth, observedAtMs, source: '' };
}

function idsOf(records: readonly TrainingEvents[]): string[] {
  return records.flatMap(({ events }) => events.map(({ id, labelSource }) => `${id} ${labelSource}`));
}

test('a pair becomes a training event with the served block and the watermark', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  await world.read(PREDICTIONS);
  world.writeLabels('clicks', [label('0~a', 10_400)]);
  const outcomes = await world.handle(world.batchOf(LABELS));
  const { features, subject, scores, assignmentProbability } = joinPrediction('0~a', 10_000).prediction;
  assert.deepEqual(outcomes, [
    {
      kind: 'handled',
      emit: [
        {
          topic: 'training-events.v1',
          key: 'clicks#0',
          partition: 0,
          value: {
            model: 'clicks',
            shard: 0,
            featureNames: ['colour', 'size', 'isNew'],
            watermarkMs: 10_400,
            events: [
              {
                id: '0~a',
                eventTimeMs: 10_000,
                subject,
                features,
                label: 1,
                weight: 1,
                labelSource: 'label',
                served: {
                  predictionId: '0~a',
                  predictedAtMs: 10_000,
                  planVersion: 3,
                  assignedArm: 'candidate',
                  servedVersion: 1,
                  assignmentProbability,
                  scores,
                  labelledAtMs: 10_400,
                },
              },
            ],
          },
        },
      ],
    },
  ]);
});

test('a prediction whose label came first becomes a training event', async () => {
  const world = await createJoinWorld([clicks]);
  world.writeLabels('clicks', [label('0~a', 10_400, 0)]);
  assert.deepEqual(idsOf(await world.read(LABELS)), []);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  const [record] = await world.read(PREDICTIONS);
  assert.equal(record?.events[0]?.label, 0);
  assert.equal(record.events[0].served?.labelledAtMs, 10_400);
});

test('predictions of different feature lists go into records of their own', async () => {
  const world = await createJoinWorld([clicks]);
  const before = await world.stores.own(0);
  await before.take('clicks#0', [
    {
      kind: 'prediction',
      source: 'p/old',
      of: { prediction: prediction('0~old', 10_000), featureNames: ['colour'] },
      deadlineMs: 11_000,
    },
  ]);
  await world.restart();
  world.writePredictions('clicks', [prediction('0~new', 10_000)]);
  await world.read(PREDICTIONS);
  world.writeLabels('clicks', [label('0~old', 10_001), label('0~new', 10_001)]);
  const emitted = await world.read(LABELS);
  assert.deepEqual(
    emitted.map(({ featureNames, events }) => [featureNames.length, events.map(({ id }) => id)]),
    [
      [1, ['0~old']],
      [3, ['0~new']],
    ],
  );
});

test('a window that ends without a label emits the default label once it is acknowledged, once', async () => {
  const world = await createJoinWorld([modelState('clicks', { defaultLabel: 1 })]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  await world.read(PREDICTIONS);
  world.writePredictions('clicks', [prediction('0~b', 10_000 + WINDOW_MS)]);
  const batch = world.batchOf(PREDICTIONS);
  for (const _attempt of ['the first', 'unacknowledged: again']) {
    const emitted = emittedBy(await world.handle(batch));
    assert.deepEqual(idsOf(emitted), ['0~a default']);
    assert.equal(emitted[0]?.events[0]?.label, 1);
    assert.equal(emitted[0].events[0].served?.labelledAtMs, null);
    assert.equal(emitted[0].watermarkMs, 10_000 + WINDOW_MS);
  }
  await world.join.settle(batch);
  assert.deepEqual(idsOf(emittedBy(await world.handle(batch))), []);
  assert.equal(await world.store.hasDue('clicks#0', 11_500), false);
});

test('windows that are dropped emit nothing, are counted and free their memory, however many they are', async () => {
  const world = await createJoinWorld([modelState('clicks', { onWindowEnd: 'drop' })]);
  const many = Array.from({ length: 2300 }, (_, index) => prediction(`0~${String(index)}`, 10_000));
  world.writePredictions('clicks', many);
  await world.read(PREDICTIONS);
  world.writePredictions('clicks', [prediction('0~late', 20_000)]);
  assert.deepEqual(idsOf(await world.read(PREDICTIONS)), []);
  const dropped = world.told.filter((line) => line.startsWith('dropped'));
  assert.equal(
    dropped.reduce((sum, line) => sum + Number(line.split(' ')[1]), 0),
    2300,
  );
  const one = Buffer.byteLength(JSON.stringify(joinPrediction('0~late', 20_000)));
  assert.equal(await world.store.bytes('clicks#0'), one);
});

test('a label after the default was emitted is late and emits nothing', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000), prediction('0~b', 10_900)]);
  await world.read(PREDICTIONS);
  world.writePredictions('clicks', [prediction('0~c', 11_000)]);
  assert.deepEqual(idsOf(await world.read(PREDICTIONS)), ['0~a default']);
  world.writeLabels('clicks', [label('0~a', 10_900)]);
  assert.deepEqual(idsOf(await world.read(LABELS)), []);
  assert.ok(world.told.includes('late 1'));
});

test('an outage closes no window: labels that wait to be read hold the watermark', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  world.writeLabels('clicks', [label('0~a', 10_500)]);
  world.writePredictions('clicks', [prediction('0~b', 90_000)]);
  assert.deepEqual(idsOf(await world.read(PREDICTIONS)), []);
  assert.equal((await world.store.consumed('clicks#0')).watermarkMs, 0);
  assert.deepEqual(idsOf(await world.read(LABELS)), ['0~a label']);
});

test('predictions that wait to be read hold the watermark', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  world.writePredictions('clicks', [prediction('0~b', 10_100)]);
  await world.read(PREDICTIONS, 1);
  world.writeLabels('clicks', [label('0~x', 90_000)]);
  const emitted = await world.read(LABELS);
  assert.deepEqual(idsOf(emitted), []);
  assert.equal((await world.store.consumed('clicks#0')).watermarkMs, 10_000);
});

test('labels later in the same batch hold the watermark as if they were still unread', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000), prediction('0~b', 12_000)]);
  world.writePredictions('clicks', [prediction('0~c', 90_000)]);
  world.writeLabels('clicks', [label('0~a', 10_500)]);
  world.writeLabels('clicks', [label('0~b', 12_500)]);
  assert.deepEqual(idsOf(await world.read(PREDICTIONS)), []);
  assert.deepEqual(idsOf(await world.read(LABELS)), ['0~a label', '0~b label']);
});

test('records of another model later in the batch hold nothing', async () => {
  const world = await createJoinWorld([clicks, modelState('other')]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  await world.read(PREDICTIONS);
  world.writeLabels('clicks', [label('0~x', 90_000)]);
  assert.deepEqual(idsOf(await world.read(LABELS)), ['0~a default']);
  world.writePredictions('clicks', [prediction('0~b', 20_000)]);
  world.writePredictions('other', [prediction('0~c', 20_000)]);
  const [first] = await world.read(PREDICTIONS);
  assert.deepEqual([first?.watermarkMs, first?.events.map(({ id }) => id)], [90_000, ['0~b']]);
});

test('a marker at the end of a topic holds nothing once it was passed', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  await world.read(PREDICTIONS);
  world.writeMarker(LABELS);
  world.join.skipTo?.({ topic: LABELS, partition: 0 }, 1);
  world.writePredictions('clicks', [prediction('0~b', 20_000)]);
  assert.deepEqual(idsOf(await world.read(PREDICTIONS)), ['0~a default']);
});

test('the watermark never goes back, also over a restart', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 50_000)]);
  await world.read(PREDICTIONS);
  await world.restart();
  world.writePredictions('clicks', [prediction('0~b', 10_000)]);
  const emitted = await world.read(PREDICTIONS);
  assert.deepEqual(idsOf(emitted), ['0~b default']);
  assert.equal(emitted[0]?.watermarkMs, 50_000);
  world.writeLabels('clicks', [label('0~c', 49_000)]);
  world.writePredictions('clicks', [prediction('0~c', 52_000)]);
  await world.read(PREDICTIONS);
  assert.equal((await world.store.consumed('clicks#0')).watermarkMs, 50_000);
});

test('a watermark that moved is told even when nothing joined, not at every step', async () => {
  const world = await createJoinWorld([clicks]);
  const watermarks: (number | null)[] = [];
  for (const at of [10_000, 10_005, 10_009, 10_010, 10_500]) {
    world.writePredictions('clicks', [prediction(`0~${String(at)}`, at)]);
    watermarks.push(...(await world.read(PREDICTIONS)).map(({ watermarkMs }) => watermarkMs));
  }
  assert.deepEqual(watermarks, [10_000, 10_010, 10_500]);
});

test('a batch handled again before it is settled, also by another process, emits the same pairs', async () => {
  const world = await createJoinWorld([clicks]);
  world.writeLabels('clicks', [label('0~b', 10_100)]);
  await world.read(LABELS);
  world.writePredictions('clicks', [prediction('0~a', 10_000), prediction('0~b', 10_000)]);
  world.writePredictions('clicks', [prediction('0~c', 10_500)]);
  world.writePredictions('clicks', [prediction('0~d', 30_000)]);
  const pairs = async (): Promise<string[]> =>
    idsOf(emittedBy(await world.handle(world.batchOf(PREDICTIONS)))).sort();
  const expected = ['0~a default', '0~b label', '0~c default'];
  assert.deepEqual(await pairs(), expected);
  assert.deepEqual(await pairs(), expected);
  await world.restart();
  assert.deepEqual(await pairs(), expected);
});

test('a watermark record of an attempt that was thrown away is emitted by the next attempt', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  const batch = world.batchOf(PREDICTIONS);
  const first = emittedBy(await world.handle(batch));
  assert.equal(first[0]?.watermarkMs, 10_000);
  assert.deepEqual(emittedBy(await world.handle(batch)), first);
});

test('a record of an unknown model is poison and the others are taken', async () => {
  const world = await createJoinWorld([clicks]);
  world.writePredictions('nobody', [prediction('0~a', 10_000)]);
  world.writePredictions('clicks', [prediction('0~a', 10_000)]);
  const [poison, taken] = await world.handle(world.batchOf(PREDICTIONS));
  assert.deepEqual(poison, {
    kind: 'poison',
    reason: 'unknown-model',
    detail: 'model nobody does not exist',
  });
  assert.equal(taken?.kind, 'handled');
});

test('a batch without records moves the position', async () => {
  const world = await createJoinWorld([clicks]);
  world.writeMarker(LABELS);
  await world.read(LABELS);
  assert.equal(await world.stores.position('labels.v1/0'), 1);
});

test('positions begin at the stored ones, at the log’s start before any', async () => {
  const world = await createJoinWorld([clicks]);
  const before = await world.stores.own(0);
  await before.setPosition('labels.v1/0', 7, new Map());
  const positions = await world.join.takeOver([
    { topic: LABELS, partition: 0 },
    { topic: PREDICTIONS, partition: 0 },
  ]);
  assert.deepEqual(
    positions,
    new Map([
      ['labels.v1/0', 7],
      ['predictions.v1/0', 0],
    ]),
  );
});

test('labels observed in the last moment of a window are joined although an equally late one was read before them', async () => {
  const world = await createJoinWorld([clicks]);
  const ids = ['0~a', '0~b'];
  world.writePredictions(
    'clicks',
    ids.map((id) => prediction(id, 10_000)),
  );
  await world.read(PREDICTIONS);
  for (const id of ids) world.writeLabels('clicks', [label(id, 10_000 + WINDOW_MS)]);
  const emitted = [...(await world.read(LABELS, 1)), ...(await world.read(LABELS, 1))];
  assert.deepEqual(idsOf(emitted), ['0~a label', '0~b label']);
});
