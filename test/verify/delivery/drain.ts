import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { createRedisJoinStores } from '../../../services/ingest/adapters/redis-join-store.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import { logRanges } from '../../../shared/kafka/partition-count.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createRedis } from '../../../shared/redis/connect.ts';
import { learnerState } from '../../support/small-model.ts';
import type { LearnerState } from '../../support/small-model.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { System } from '../../support/system.ts';

const EVERY_MS = 500;

/**
 * Resolves with the learner's state when everything on Kafka has taken effect: the join has settled all predictions and
 * labels, the learner has saved all it made, and nothing has moved between two looks. Throws what was left at the limit.
 */
export async function untilDrained(system: System, model: string, limitMs: number): Promise<LearnerState> {
  const partition = partitionOf(shardKey(model, 0), PARTITIONS);
  const redis = createRedis({ url: system.stack.redisUrl, log: silentLog });
  await redis.connect();
  const stores = createRedisJoinStores(redis);
  let last = '';

  const endOf = async (topic: 'predictions.v1' | 'labels.v1' | 'training-events.v1'): Promise<number> =>
    (await logRanges(system.kafka, topic)).get(partition)?.end ?? 0;

  const look = async (): Promise<LearnerState> => {
    for (const topic of ['predictions.v1', 'labels.v1'] as const) {
      const end = await endOf(topic);
      const position = (await stores.position(`${topic}/${String(partition)}`)) ?? 0;
      if (position < end) throw new Error(`${topic}: joined to ${String(position)} of ${String(end)}`);
    }
    const end = await endOf('training-events.v1');
    const state = await learnerState(system, model);
    if (state.savedPosition < end)
      throw new Error(`training-events.v1: saved to ${String(state.savedPosition)} of ${String(end)}`);
    const now = `${String(end)} ${state.stateDigest}`;
    const isStill = now === last;
    last = now;
    if (!isStill) throw new Error('it moved a moment ago');
    return state;
  };
  try {
    return await waitUntil(look, { what: `${model} to drain`, limitMs, everyMs: EVERY_MS });
  } finally {
    redis.disconnect();
  }
}
