import { Type } from 'typebox';
import {
  commonSettings,
  crashSettings,
  portSetting,
  traceSettings,
  redisSettings,
} from '../../shared/config/load-config.ts';

/** Settings of monitor. */
export const monitorSettings = Type.Object({
  ...commonSettings,
  ...traceSettings,
  ...redisSettings,
  ...crashSettings,
  HTTP_PORT: portSetting(8085),
  GROUP_ID: Type.String({
    default: 'headrace-monitor',
    minLength: 1,
    description: 'Consumer group whose members share the shards.',
  }),
  CHECKPOINT_INTERVAL_MS: Type.Integer({
    default: 2000,
    minimum: 10,
    maximum: 600_000,
    description: 'Least time between two checkpoints of a shard, ms.',
  }),
});
