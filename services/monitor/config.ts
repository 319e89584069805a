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
  REGISTRY_URL: Type.String({
    default: 'http://127.0.0.1:8084',
    pattern: '^(https?://.+)?$',
    description: 'Registry that the page’s commands and history go to. Empty: the page only looks.',
  }),
  PAGE_HOSTS: Type.String({
    default: '',
    pattern: '^[A-Za-z0-9.,-]*$',
    description: 'Names, comma separated, under which the page is served besides addresses and localhost.',
  }),
  PAGE_CONNECTIONS_MAX: Type.Integer({
    default: 64,
    minimum: 1,
    maximum: 1000,
    description: 'Most pages that may follow the monitor at one time.',
  }),
});
