import { Type } from 'typebox';
import {
  commonSettings,
  crashSettings,
  portSetting,
  traceSettings,
  redisSettings,
} from '../../shared/config/load-config.ts';

/** Settings of online-learner. */
export const onlineLearnerSettings = Type.Object({
  ...commonSettings,
  ...traceSettings,
  ...redisSettings,
  HTTP_PORT: portSetting(8083),
  CHECKPOINT_INTERVAL_MS: Type.Integer({
    default: 1000,
    minimum: 10,
    maximum: 600_000,
    description:
      'Least time between two checkpoints of a shard, ms; more where a large state would make them cost over 3 % of the time.',
  }),
  MILESTONE_EVENTS: Type.Integer({
    default: 1_000_000,
    minimum: 1000,
    maximum: 1_000_000_000,
    description: 'Events between two milestones of a shard; two such milestones are kept.',
  }),
  VERSION_BUDGET_MICROS: Type.Integer({
    default: 2000,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'The most a version may take for one event, microseconds; one that takes more again and again is halted.',
  }),
  ...crashSettings,
  GROUP_ID: Type.String({
    default: 'headrace-online-learner',
    minLength: 1,
    description: 'Consumer group whose members share the shards.',
  }),
});
