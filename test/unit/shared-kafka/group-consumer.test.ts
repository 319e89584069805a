import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EachBatchPayload } from 'kafkajs';
import { HeadraceError } from '../../../shared/errors.ts';
import { startGroupConsumer } from '../../../shared/kafka/group-consumer.ts';
import type { GroupConsumerDeps } from '../../../shared/kafka/group-consumer-deps.ts';
import { createConsumerWorld } from './consumer-world.ts';

const LABELS = 'labels.v1';
const PREDICTIONS = 'predictions.v1';

type Handler = GroupConsumerDeps['handler'];

/** Starts the loop over a consumer of our own that delivers what a test says, with offsets handled and settled written down. */
async function startLoop(
  over: Partial<Handler> & Pick<Handler, 'takeOver'>,
  producer?: GroupConsumerDeps['producer'],
): Promise<{
  world: ReturnType<typeof createConsumerWorld>;
  handled: string[];
  settled: string[];
  deliver: (topic: string, from: number, to: number) => Promise<void>;
}> {
  const world = createConsumerWorld();
  const handled: string[] = [];
  const settled: string[] = [];
  await startGroupConsumer({
    ...world.deps,
    ...(producer === undefined ? {} : { producer }),
    topics: [PREDICTIONS, LABELS],
    handler: {
      handle(batch) {
        handled.push(...batch.records.map(({ topic, source }) => `${topic}@${String(source.offset)}`));
        return batch.records.map(() => ({ kind: 'handled', emit: [] }));
      },
      settle(batch) {
        settled.push(`${batch.topic}@${String(batch.nextOffset)}`);
        return Promise.resolve(undefined);
      },
      ...over,
    },
  });
  const deliver = (topic: string, from: number, to: number): Promise<void> =>
    world.eachBatch(world.batch(topic, from, to) as EachBatchPayload);
  return { world, handled, settled, deliver };
}

const BOTH = { [PREDICTIONS]: [0], [LABELS]: [0] };
const positionsOf = (predictions: number, labels: number): ReadonlyMap<string, number> =>
  new Map([
    [`${PREDICTIONS}/0`, predictions],
    [`${LABELS}/0`, labels],
  ]);

test('what was fetched from a committed offset behind our positions is not consumed again, whichever batch it comes in', async () => {
  const takenOver = Promise.withResolvers<ReadonlyMap<string, number>>();
  const { world, handled, settled, deliver } = await startLoop({ takeOver: () => takenOver.promise });
  world.join(BOTH);
  // One answer of the broker, two batches: the first waits for the take-over, the second comes after it.
  const first = deliver(PREDICTIONS, 0, 4);
  takenOver.resolve(positionsOf(10, 10));
  await first;
  await deliver(LABELS, 0, 4);
  assert.deepEqual([handled, settled], [[], []]);
  assert.deepEqual(world.seeks.at(-1), { topic: LABELS, partition: 0, offset: '10' });
  await deliver(PREDICTIONS, 8, 12);
  assert.deepEqual(
    handled,
    [10, 11].map((offset) => `${PREDICTIONS}@${String(offset)}`),
  );
  assert.deepEqual(settled, [`${PREDICTIONS}@12`]);
});

test('a batch from beyond the position is not consumed: the loop goes back to the gap', async () => {
  const { world, handled, deliver } = await startLoop({
    takeOver: () => Promise.resolve(positionsOf(10, 10)),
  });
  world.join(BOTH);
  await deliver(PREDICTIONS, 20, 22); // waits for the take-over
  await deliver(LABELS, 20, 22);
  assert.deepEqual(handled, []);
  assert.deepEqual(world.seeks.at(-1), { topic: LABELS, partition: 0, offset: '10' });
});

test('a partition that somebody else has taken over is taken over again, from where it stands now', async () => {
  const fenced = new HeadraceError('another process owns it', { code: 'redis-fenced', retriable: false });
  let position = 3;
  let isFenced = true;
  const { world, handled, deliver } = await startLoop({
    takeOver: () => Promise.resolve(positionsOf(position, 0)),
    settle: () => (isFenced ? Promise.reject(fenced) : Promise.resolve(undefined)),
  });
  world.join(BOTH);
  await deliver(LABELS, 0, 1); // waits for the take-over
  position = 5; // the other one had come further
  await deliver(PREDICTIONS, 3, 4);
  isFenced = false;
  await deliver(LABELS, 0, 1); // waits for the second take-over
  assert.deepEqual(world.seeks.at(-2), { topic: PREDICTIONS, partition: 0, offset: '5' });
  handled.length = 0;
  await deliver(PREDICTIONS, 4, 7);
  assert.deepEqual(handled, [`${PREDICTIONS}@5`, `${PREDICTIONS}@6`]);
});

test('a process that is no member any more takes nothing over: its heartbeat says so', async () => {
  const fenced = new HeadraceError('another process owns it', { code: 'redis-fenced', retriable: false });
  let takeOvers = 0;
  const { world, deliver } = await startLoop({
    takeOver: () => {
      takeOvers += 1;
      return Promise.resolve(positionsOf(0, 0));
    },
    settle: () => Promise.reject(fenced),
  });
  world.join(BOTH);
  await deliver(LABELS, 0, 1); // waits for the take-over
  world.heartbeatFails(new Error('unknown member'));
  await assert.rejects(deliver(PREDICTIONS, 0, 1), { message: 'unknown member' });
  assert.equal(takeOvers, 1);
});

test('what is acknowledged while a heartbeat is on its way is settled at the end of the batch, not with the next one', async () => {
  const acknowledged = Promise.withResolvers<never[]>();
  const heartbeat = Promise.withResolvers<undefined>();
  const settledAt = Promise.withResolvers<number>();
  const { world, deliver } = await startLoop(
    {
      takeOver: () => Promise.resolve(positionsOf(10, 10)),
      handle: (batch) =>
        batch.records.map(() => ({
          kind: 'handled',
          emit: [{ topic: 'predictions.v1', key: 'one', partition: 0, value: null }],
        })),
      mustSettle: () => false,
      settle: (batch) => {
        settledAt.resolve(batch.nextOffset);
        return Promise.resolve(undefined);
      },
    },
    { send: () => acknowledged.promise, close: () => Promise.resolve() },
  );
  world.join(BOTH);
  await deliver(PREDICTIONS, 10, 11); // waits for the take-over
  world.heartbeatTakes(heartbeat.promise);
  const delivered = deliver(PREDICTIONS, 10, 12);
  acknowledged.resolve([]);
  await new Promise(setImmediate);
  heartbeat.resolve(undefined);
  await delivered;
  assert.equal(await settledAt.promise, 12);
});
