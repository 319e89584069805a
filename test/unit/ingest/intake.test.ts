import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { createIngestWorld, holdWrites, idsSent, intakeEvent } from './ingest-world.ts';
import { modelState } from './join-world.ts';

const clicks = modelState('clicks');
const rest = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a lone item is written at once, to the partition of its shard', async () => {
  const { intake, sent } = createIngestWorld();
  const written = await intake.write(clicks, [intakeEvent('a')], '00-trace');
  const partition = partitionOf('clicks#0', 4);
  assert.deepEqual(written, [{ partition, offset: 0 }]);
  assert.deepEqual(sent, [
    {
      topic: 'training-events.v1',
      key: 'clicks#0',
      partition,
      headers: { traceparent: '00-trace' },
      value: {
        model: 'clicks',
        shard: 0,
        featureNames: ['colour', 'size', 'isNew'],
        watermarkMs: null,
        events: [intakeEvent('a').value],
      },
    },
  ]);
});

test('what comes while a write is under way makes the next record, in order', async () => {
  const world = createIngestWorld();
  const held = holdWrites(world);
  const writes = ['a', 'b', 'c'].map((id) => world.intake.write(clicks, [intakeEvent(id)], undefined));
  writes.push(world.intake.write(clicks, [intakeEvent('d'), intakeEvent('e')], undefined));
  await rest();
  assert.deepEqual(idsSent(world.sent), [['a']]);
  held.release();
  await rest();
  assert.deepEqual(idsSent(world.sent), [['a'], ['b', 'c', 'd', 'e']]);
  held.release();
  const partition = partitionOf('clicks#0', 4);
  assert.deepEqual(await Promise.all(writes), [
    [{ partition, offset: 0 }],
    [{ partition, offset: 1 }],
    [{ partition, offset: 1 }],
    [
      { partition, offset: 1 },
      { partition, offset: 1 },
    ],
  ]);
});

test('a record has at most so many items', async () => {
  const world = createIngestWorld({ batchMax: 2 });
  await world.intake.write(clicks, ['a', 'b', 'c', 'd', 'e'].map(intakeEvent), undefined);
  assert.deepEqual(idsSent(world.sent), [['a', 'b'], ['c', 'd'], ['e']]);
});

test('events and labels, and two models, do not wait for each other', async () => {
  const world = createIngestWorld();
  holdWrites(world);
  const label = { predictionId: '0~p', label: 1, observedAtMs: 0, source: '' };
  void world.intake.write(clicks, [intakeEvent('a')], undefined);
  void world.intake.write(clicks, [{ kind: 'label', value: label }], undefined);
  void world.intake.write(modelState('other'), [intakeEvent('b')], undefined);
  await rest();
  assert.deepEqual(
    world.sent.map(({ topic, key }) => `${topic} ${key}`),
    ['training-events.v1 clicks#0', 'labels.v1 clicks#0', 'training-events.v1 other#0'],
  );
});

test('there is room up to the capacity, per model and kind, and again once it was written', async () => {
  const world = createIngestWorld({ capacity: 3, batchMax: 1 });
  const held = holdWrites(world);
  const writes = world.intake.write(clicks, ['a', 'b', 'c'].map(intakeEvent), undefined);
  await rest();
  assert.equal(world.intake.hasRoom(clicks, 'event', 1), true);
  assert.equal(world.intake.hasRoom(clicks, 'event', 2), false);
  assert.equal(world.intake.hasRoom(clicks, 'label', 3), true);
  assert.equal(world.intake.hasRoom(modelState('other'), 'event', 3), true);
  for (let write = 0; write < 3; write += 1) {
    held.release();
    await rest();
  }
  await writes;
  assert.equal(world.intake.hasRoom(clicks, 'event', 3), true);
});

test('a failed write fails its own items, and the next record is written', async () => {
  const world = createIngestWorld({ batchMax: 1 });
  const held = holdWrites(world);
  const first = world.intake.write(clicks, [intakeEvent('a')], undefined);
  const second = world.intake.write(clicks, [intakeEvent('b')], undefined);
  held.release(new Error('broker away'));
  await assert.rejects(first, /broker away/);
  await rest();
  held.release();
  assert.equal((await second)[0]?.offset, 1);
  const third = world.intake.write(clicks, [intakeEvent('c')], undefined);
  held.release();
  assert.equal((await third)[0]?.offset, 2);
});

test('no items need no write', async () => {
  const { intake, sent } = createIngestWorld();
  assert.deepEqual(await intake.write(clicks, [], undefined), []);
  assert.deepEqual(sent, []);
});
