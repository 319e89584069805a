import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { HeadraceError, messageOf } from '../../../shared/errors.ts';
import { onRedis } from '../../../shared/redis/connect.ts';
import type { JoinItem, JoinOutcome, JoinPrediction, JoinStore, JoinStores } from '../ports.ts';
import {
  CLOSE_WINDOW,
  FENCED,
  FOLLOW_TOKEN,
  FORGET,
  FREE_PAYLOAD,
  LABEL,
  PREDICTION,
  SET_POSITION,
} from './join-scripts.ts';

const FORGET_AT_ONCE = 1000;
const POSITIONS = 'headrace:join:positions';

interface ShardKeys {
  readonly due: string;
  readonly gone: string;
  readonly totals: string;
  readonly entry: (id: string) => string;
}

function keysOf(shardKey: string): ShardKeys {
  const prefix = `{headrace:join:${shardKey}}`;
  return {
    entry: (id) => `${prefix}:p:${id}`,
    due: `${prefix}:due`,
    gone: `${prefix}:gone`,
    totals: `${prefix}:totals`,
  };
}

/** One script to run: its keys after the owner, its arguments before the token. */
interface ScriptCall {
  readonly script: string;
  readonly keys: readonly string[];
  readonly args: readonly (string | number)[];
}

/** One script on one entry of a shard. */
function onEntry(keys: ShardKeys, id: string, script: string, ...args: (string | number)[]): ScriptCall {
  return { script, keys: [keys.entry(id), keys.due, keys.gone, keys.totals], args };
}

function callOf(shardKey: string, item: JoinItem): ScriptCall {
  const keys = keysOf(shardKey);
  if (item.kind === 'prediction') {
    const { id, predictedAtMs } = item.of.prediction;
    const payload = JSON.stringify(item.of);
    return onEntry(keys, id, PREDICTION, item.source, predictedAtMs, item.deadlineMs, payload, id);
  }
  const { predictionId: id, label, observedAtMs, source } = item.label;
  return onEntry(keys, id, LABEL, item.source, label, observedAtMs, source, item.forgetAtMs, id);
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

/** The right to change what belongs to a partition, for as long as nobody else takes it over. */
interface Ownership {
  /** Runs scripts in order, in one pipeline, and returns their answers; the first failure is thrown. */
  run(doing: string, calls: readonly ScriptCall[]): Promise<unknown[]>;
}

/**
 * Takes a partition over. After a call without an answer the token is changed before the next one: what is still on its way
 * carries the old one and is refused when it arrives.
 */
async function takeOwnership(redis: Redis, partition: number): Promise<Ownership> {
  const owner = `headrace:join:owner:${String(partition)}`;
  let token: string = randomUUID();
  let nextToken: string | undefined;
  await redis.set(owner, token);

  function fenced(cause?: unknown): HeadraceError {
    const message = `another process owns partition ${String(partition)} of the join`;
    return new HeadraceError(message, { code: 'redis-fenced', retriable: false, cause });
  }

  async function changeToken(to: string): Promise<void> {
    if ((await redis.eval(FOLLOW_TOKEN, 1, owner, to, token)) !== 1) throw fenced();
    token = to;
    nextToken = undefined;
  }

  return {
    run: (doing, calls) =>
      onRedis(doing, async () => {
        if (calls.length === 0) return [];
        if (nextToken !== undefined) await changeToken(nextToken);
        const pipeline = redis.pipeline();
        for (const { script, keys, args } of calls)
          pipeline.eval(script, keys.length + 1, owner, ...keys, ...args, token);
        nextToken = randomUUID(); // until every answer is there
        const results = (await pipeline.exec()) ?? [];
        const answers = results.map(([error, value]) => {
          if (error !== null) throw messageOf(error).startsWith(FENCED) ? fenced(error) : error;
          return value;
        });
        nextToken = undefined;
        return answers;
      }),
  };
}

/** Returns the join's state in Redis: one hash a prediction, two sorted sets and one hash of totals a shard. */
export function createRedisJoinStores(redis: Redis): JoinStores {
  return {
    own: (partition) =>
      onRedis('taking over a partition', async () =>
        createStore(redis, await takeOwnership(redis, partition)),
      ),
    position: (topicPartition) =>
      onRedis('reading a position', async () => {
        const found = await redis.hget(POSITIONS, topicPartition);
        return found === null ? undefined : Number(found);
      }),
  };
}

function createStore(redis: Redis, owned: Ownership): JoinStore {
  /** Forgets the oldest entries whose window is past; returns how many. */
  async function forgetPast(shardKey: string, watermarkMs: number): Promise<number> {
    const keys = keysOf(shardKey);
    const before = `(${String(watermarkMs)}`;
    const past = await onRedis('looking for past windows', () =>
      redis.zrangebyscore(keys.gone, '-inf', before, 'LIMIT', 0, FORGET_AT_ONCE),
    );
    await owned.run(
      'forgetting past windows',
      past.map((id) => onEntry(keys, id, FORGET, id)),
    );
    return past.length;
  }

  return {
    async take(shardKey, items) {
      const calls = items.map((item) => callOf(shardKey, item));
      return (await owned.run('joining', calls)).map(outcomeOf);
    },

    async closeWindows(shardKey, { watermarkMs, as, limit }) {
      const keys = keysOf(shardKey);
      const ids = await onRedis('looking for windows to close', () =>
        redis.zrangebyscore(keys.due, '-inf', watermarkMs, 'LIMIT', 0, limit),
      );
      const calls = ids.map((id) => onEntry(keys, id, CLOSE_WINDOW, as, id));
      return (await owned.run('closing label windows', calls))
        .filter((payload) => typeof payload === 'string')
        .map((payload) => JSON.parse(payload) as JoinPrediction);
    },

    hasDue: (shardKey, timeMs) =>
      onRedis(
        'looking for windows to close',
        async () => (await redis.zcount(keysOf(shardKey).due, '-inf', timeMs)) > 0,
      ),

    async free(shardKey, { joined, closed, watermarkMs }) {
      const keys = keysOf(shardKey);
      const freeing = 'freeing joined predictions';
      await owned.run(
        freeing,
        joined.map((id) => onEntry(keys, id, FREE_PAYLOAD, id, 0)),
      );
      // Before what is closed joins it: an entry is forgotten by a later call than the one that freed it.
      while ((await forgetPast(shardKey, watermarkMs)) === FORGET_AT_ONCE);
      await owned.run(
        freeing,
        closed.map((id) => onEntry(keys, id, FREE_PAYLOAD, id, 1)),
      );
    },

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

    async setPosition(topicPartition, nextOffset, progress) {
      const shards = [...progress];
      const keys = [POSITIONS, ...shards.map(([shardKey]) => keysOf(shardKey).totals)];
      const times = shards.flatMap(([, { predictions, labels, watermarkMs }]) => [
        predictions,
        labels,
        watermarkMs,
      ]);
      await owned.run('writing a position', [
        { script: SET_POSITION, keys, args: [topicPartition, nextOffset, ...times] },
      ]);
    },
  };
}
