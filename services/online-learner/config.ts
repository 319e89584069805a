import { Type } from 'typebox';
import { commonSettings, portSetting, redisSettings } from '../../shared/config/load-config.ts';

/** Settings of online-learner. */
export const onlineLearnerSettings = Type.Object({
  ...commonSettings,
  ...redisSettings,
  HTTP_PORT: portSetting(8083),
  CHECKPOINT_INTERVAL_MS: Type.Integer({
    default: 1000,
    minimum: 10,
    maximum: 600_000,
    description: 'Least time between two checkpoints of a shard, ms: what a restart replays at most.',
  }),
  GROUP_ID: Type.String({
    default: 'headrace-online-learner',
    minLength: 1,
    description: 'Consumer group whose members share the shards.',
  }),
});
