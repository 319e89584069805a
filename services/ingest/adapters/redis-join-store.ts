import type { ChainableCommander, Redis } from 'ioredis';
import { onRedis } from '../../../shared/redis/connect.ts';
import type { JoinItem, JoinOutcome, JoinPrediction, JoinStore } from '../ports.ts';
import { CLOSE_WINDOW, FREE_PAYLOAD, LABEL, PREDICTION } from './join-scripts.ts';

const FORGET_AT_ONCE = 1000;

function keysOf(shardKey: string): {
  entry: (id: string) => string;
  due: string;
  gone: string;
  totals: string;
} {
  const prefix = `{headrace:join:${shardKey}}`;
  return {
    entry: (id) => `${prefix}:p:${id}`,
    due: `${prefix}:due`,
    gone: `${prefix}:gone`,
    totals: `${prefix}:totals`,
  };
}

/** Returns the answers of a pipeline; the first failure is thrown. */
async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? [];
  return results.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });
}

function outcomeOf(answer: unknown): JoinOutcome {
  const [kind, payload, label, observedAt] = answer as [JoinOutcome['kind'], string, string, string];
  if (kind !== 'joined') return { kind };
  return {
    kind,
    of: JSON.parse(payload) as JoinPrediction,
    label: Number(label),
    observedAtMs: Number(observedAt),
  };
}

/** Returns the join's state in Redis: one hash a prediction, two sorted sets and one hash of totals a shard. */
export function createRedisJoinStore(redis: Redis): JoinStore {
  function add(pipeline: ChainableCommander, shardKey: string, item: JoinItem): void {
    const { entry, due, gone, totals } = keysOf(shardKey);
    if (item.kind === 'prediction') {
      const { id, predictedAtMs } = item.of.prediction;
      const payload = JSON.stringify(item.of);
      pipeline.eval(
        PREDICTION,
        4,
        entry(id),
        due,
        gone,
        totals,
        item.source,
        predictedAtMs,
        item.deadlineMs,
        payload,
        id,
      );
      return;
    }
    const { predictionId, label, observedAtMs, source } = item.label;
    pipeline.eval(
      LABEL,
      4,
      entry(predictionId),
      due,
      gone,
      totals,
      item.source,
      label,
      observedAtMs,
      source,
      item.forgetAtMs,
      predictionId,
    );
  }

  /** Forgets the oldest entries whose window is past; returns how many. */
  async function forgetPast(shardKey: string, watermarkMs: number): Promise<number> {
    const { entry, due, gone, totals } = keysOf(shardKey);
    const before = `(${String(watermarkMs)}`;
    const past = await redis.zrangebyscore(gone, '-inf', before, 'LIMIT', 0, FORGET_AT_ONCE);
    if (past.length === 0) return 0;
    const pipeline = redis.pipeline();
    for (const id of past) pipeline.eval(FREE_PAYLOAD, 4, entry(id), due, gone, totals, id, 0);
    pipeline.del(...past.map(entry));
    pipeline.zrem(gone, ...past);
    await answersOf(pipeline);
    return past.length;
  }

  return {
    take: (shardKey, items) =>
      onRedis('joining', async () => {
        const pipeline = redis.pipeline();
        for (const item of items) add(pipeline, shardKey, item);
        return (await answersOf(pipeline)).map(outcomeOf);
      }),

    closeWindows: (shardKey, { watermarkMs, as, limit }) =>
      onRedis('closing label windows', async () => {
        const { entry, due, gone, totals } = keysOf(shardKey);
        const ids = await redis.zrangebyscore(due, '-inf', watermarkMs, 'LIMIT', 0, limit);
        if (ids.length === 0) return [];
        const pipeline = redis.pipeline();
        for (const id of ids) pipeline.eval(CLOSE_WINDOW, 4, entry(id), due, gone, totals, as, id);
        const payloads = await answersOf(pipeline);
        return payloads
          .filter((payload) => typeof payload === 'string')
          .map((payload) => JSON.parse(payload) as JoinPrediction);
      }),

    hasDue: (shardKey, timeMs) =>
      onRedis(
        'looking for windows to close',
        async () => (await redis.zcount(keysOf(shardKey).due, '-inf', timeMs)) > 0,
      ),

    free: (shardKey, { joined, closed, watermarkMs }) =>
      onRedis('freeing joined predictions', async () => {
        const { entry, due, gone, totals } = keysOf(shardKey);
        const pipeline = redis.pipeline();
        for (const id of joined) pipeline.eval(FREE_PAYLOAD, 4, entry(id), due, gone, totals, id, 0);
        if (pipeline.length > 0) await answersOf(pipeline);
        // Before what is closed joins it: an entry is forgotten by a later call than the one that freed it.
        while ((await forgetPast(shardKey, watermarkMs)) === FORGET_AT_ONCE);
        const closing = redis.pipeline();
        for (const id of closed) closing.eval(FREE_PAYLOAD, 4, entry(id), due, gone, totals, id, 1);
        if (closing.length > 0) await answersOf(closing);
      }),

    consumed: (shardKey) =>
      onRedis('reading watermarks', async () => {
        const found = await redis.hmget(keysOf(shardKey).totals, 'predictions', 'labels', 'watermark');
        const [predictions, labels, watermarkMs] = found.map((value) => Number(value ?? 0));
        return { predictions: predictions ?? 0, labels: labels ?? 0, watermarkMs: watermarkMs ?? 0 };
      }),

    bytes: (shardKey) =>
      onRedis('reading the join’s size', async () =>
        Number((await redis.hget(keysOf(shardKey).totals, 'bytes')) ?? 0),
      ),

    position: (topicPartition) =>
      onRedis('reading a position', async () => {
        const found = await redis.hget('headrace:join:positions', topicPartition);
        return found === null ? undefined : Number(found);
      }),

    setPosition: (topicPartition, nextOffset, progress) =>
      onRedis('writing a position', async () => {
        const transaction = redis.multi();
        for (const [shardKey, { predictions, labels, watermarkMs }] of progress)
          transaction.hset(keysOf(shardKey).totals, { predictions, labels, watermark: watermarkMs });
        await answersOf(transaction.hset('headrace:join:positions', topicPartition, nextOffset));
      }),
  };
}
