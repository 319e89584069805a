import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Redis } from 'ioredis';
import { createRedisJoinStores } from '../../services/ingest/adapters/redis-join-store.ts';
import { useRedis } from '../contract/checkpoint/redis-server.ts';
import { labelItem, predictionItem } from '../contract/join/join-items.ts';
import { joinStoreCases } from '../contract/join/join-store-cases.ts';

const server = useRedis();

joinStoreCases('redis', () => createRedisJoinStores(server.redis()));

/** A connection whose writes get no answer while they are held, and reach Redis whenever `arrive` says so. */
function holdingRedis(redis: Redis): {
  redis: Redis;
  hold: (isHeld: boolean) => void;
  arrive: () => Promise<void>;
} {
  const onTheWay: (() => Promise<unknown>)[] = [];
  let isHeld = false;
  const pipeline = (): ReturnType<Redis['pipeline']> => {
    const made = redis.pipeline();
    const exec = made.exec.bind(made);
    if (isHeld)
      made.exec = () => {
        onTheWay.push(() => exec());
        return Promise.reject(new Error('Command timed out'));
      };
    return made;
  };
  return {
    redis: new Proxy(redis, {
      get: (target, name): unknown => {
        if (name === 'pipeline') return pipeline;
        const found: unknown = Reflect.get(target, name);
        return typeof found === 'function' ? found.bind(target) : found;
      },
    }),
    hold: (next) => {
      isHeld = next;
    },
    async arrive() {
      for (const send of onTheWay.splice(0)) await send();
    },
  };
}

test('what a killed process still had on its way to Redis changes nothing when it arrives', async () => {
  const link = holdingRedis(server.redis());
  const shard = 'late-of-the-dead#0';
  const dead = await createRedisJoinStores(link.redis).own(77);
  link.hold(true);
  await assert.rejects(dead.take(shard, [predictionItem('0~a', 100)]), { code: 'redis-unavailable' });
  await assert.rejects(dead.setPosition('predictions.v1/77', 1, new Map()), { code: 'redis-unavailable' });
  const stores = createRedisJoinStores(server.redis());
  const store = await stores.own(77);
  // Taken, labelled and forgotten: were the late one to open it again, its default would be learned as well.
  await store.take(shard, [predictionItem('0~a', 100), labelItem('0~a', 150)]);
  await store.setPosition('predictions.v1/77', 5, new Map());
  await store.free(shard, { joined: ['0~a'], closed: [], watermarkMs: 9999 });
  await link.arrive();
  assert.equal(await store.hasDue(shard, Infinity), false);
  assert.equal(await stores.position('predictions.v1/77'), 5);
});

test('a call that got no answer takes no effect after a later one of the same owner', async () => {
  const link = holdingRedis(server.redis());
  const shard = 'late-of-the-living#0';
  const store = await createRedisJoinStores(link.redis).own(78);
  link.hold(true);
  await assert.rejects(store.take(shard, [predictionItem('0~a', 100)]), { code: 'redis-unavailable' });
  link.hold(false);
  await store.take(shard, [predictionItem('0~a', 100), labelItem('0~a', 150)]);
  await store.free(shard, { joined: ['0~a'], closed: [], watermarkMs: 9999 });
  await link.arrive();
  assert.equal(await store.hasDue(shard, Infinity), false);
  assert.deepEqual(await store.take(shard, [predictionItem('0~b', 100)]), [{ kind: 'open' }]);
});
