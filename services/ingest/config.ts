import { Type } from 'typebox';
import type { Static } from 'typebox';
import {
  commonSettings,
  portSetting,
  traceSettings,
  redisSettings,
} from '../../shared/config/load-config.ts';

/** Settings of ingest. */
export const ingestSettings = Type.Object({
  ...commonSettings,
  ...traceSettings,
  ...redisSettings,
  HTTP_PORT: portSetting(8082),
  GROUP_ID: Type.String({
    default: 'headrace-ingest-join',
    minLength: 1,
    description: 'Consumer group of the join.',
  }),
  BODY_LIMIT_BYTES: Type.Integer({
    default: 8_388_608,
    minimum: 1024,
    maximum: 67_108_864,
    description: 'Largest JSON body, bytes.',
  }),
  LINE_LIMIT_BYTES: Type.Integer({
    default: 65_536,
    minimum: 256,
    maximum: 1_048_576,
    description: 'Longest NDJSON line, bytes.',
  }),
  ITEMS_MAX: Type.Integer({
    default: 20_000,
    minimum: 1,
    maximum: 1_000_000,
    description: 'Most items of one request.',
  }),
  QUEUE_ITEMS_MAX: Type.Integer({
    default: 50_000,
    minimum: 1000,
    maximum: 1_000_000,
    description: 'Items of one shard that may wait for Kafka before requests are answered 429.',
  }),
  RECORD_ITEMS_MAX: Type.Integer({
    default: 1000,
    minimum: 1,
    maximum: 10_000,
    description: 'Most items of one record.',
  }),
  JOIN_BUDGET_BYTES: Type.Integer({
    default: 536_870_912,
    minimum: 1_048_576,
    maximum: 68_719_476_736,
    description:
      'Bytes of waiting predictions in Redis, per shard, above which predictions are read no further.',
  }),
});

/** Relations between the settings. */
export const ingestRelations: readonly ((config: Static<typeof ingestSettings>) => string | undefined)[] = [
  ({ ITEMS_MAX, QUEUE_ITEMS_MAX }) =>
    ITEMS_MAX <= QUEUE_ITEMS_MAX
      ? undefined
      : `ITEMS_MAX=${String(ITEMS_MAX)}, allowed at most QUEUE_ITEMS_MAX=${String(QUEUE_ITEMS_MAX)}: a larger request would never fit`,
];
