import { parseArgs } from 'node:util';
import { Type } from 'typebox';
import { brokersOf, commonSettings, loadConfig } from '../../shared/config/load-config.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import { createKafkaClient } from '../../shared/kafka/client.ts';
import { silentLog } from '../../shared/observability/log.ts';
import { applySetup, planSetup } from './setup.ts';
import type { SetupPlan } from './setup.ts';

/** Settings of the step that makes topics and registers schemas. */
const topicsSettings = Type.Object({
  KAFKA_BROKERS: commonSettings.KAFKA_BROKERS,
  SCHEMA_REGISTRY_URL: commonSettings.SCHEMA_REGISTRY_URL,
  TOPIC_PARTITIONS: Type.Integer({
    default: 8,
    minimum: 1,
    maximum: 1024,
    description: 'Partitions of the sharded topics; never changes.',
  }),
  TOPIC_REPLICATION: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 9,
    description: 'Replicas of every topic; 3 in production.',
  }),
  TOPIC_MIN_INSYNC: Type.Integer({
    default: 1,
    minimum: 1,
    maximum: 9,
    description: 'Replicas that must acknowledge; 2 in production.',
  }),
});

const HELP = `usage: npm run topics [-- --dry-run]

Makes every topic with its settings and registers every schema. Doing it again changes nothing.
  --dry-run   show what would change, change nothing
  --help      this text
settings: ${Object.keys(topicsSettings.properties).join(', ')}`;

function describe(plan: SetupPlan): string[] {
  const topics = plan.topics.map((change) => {
    switch (change.kind) {
      case 'create':
        return `topic ${change.topic}: create, ${String(change.partitions)} partitions`;
      case 'configure':
        return `topic ${change.topic}: ${change.setting} ${change.from} → ${change.to}`;
      case 'impossible':
        return `topic ${change.topic}: ${change.why}`;
    }
  });
  const schemas = plan.schemas
    .filter(({ kind }) => kind !== 'same')
    .map(({ subject, kind }) => `schema ${subject}: ${kind}`);
  return [...topics, ...schemas];
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { 'dry-run': { type: 'boolean' }, help: { type: 'boolean' } } });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const config = loadConfig(topicsSettings, process.env);
  const deps = {
    kafka: createKafkaClient({
      brokers: brokersOf(config.KAFKA_BROKERS),
      clientId: 'headrace-topics',
      log: silentLog,
    }),
    schemaRegistryUrl: config.SCHEMA_REGISTRY_URL,
    layout: {
      partitions: config.TOPIC_PARTITIONS,
      replicationFactor: config.TOPIC_REPLICATION,
      minInsyncReplicas: config.TOPIC_MIN_INSYNC,
    },
  };
  const plan = await planSetup(deps);
  for (const line of describe(plan)) console.log(line);
  if (plan.topics.some(({ kind }) => kind === 'impossible')) return 1;
  if (values['dry-run'] === true) return 0;
  await applySetup(deps, plan);
  console.log('topics and schemas are as they should be');
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`${messageOf(error)}${isRetriable(error) ? ' (may pass: try again)' : ''}`);
  process.exitCode = 1;
}
