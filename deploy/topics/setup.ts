import { schemaOf } from '../../shared/events/codec.ts';
import { planSchema, registerSchema } from '../../shared/events/schema-registration.ts';
import type { SchemaChange } from '../../shared/events/schema-registration.ts';
import { subjectOf, TOPICS } from '../../shared/events/topics.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { applyTopics, planTopics } from '../../shared/kafka/topic-admin.ts';
import type { TopicChange, TopicLayout } from '../../shared/kafka/topic-admin.ts';

/** What is needed to make topics and register schemas. */
export interface SetupDeps {
  readonly kafka: KafkaClient;
  readonly schemaRegistryUrl: string;
  readonly layout: TopicLayout;
}

/** Everything that differs from what it should be. */
export interface SetupPlan {
  readonly topics: readonly TopicChange[];
  readonly schemas: readonly SchemaChange[];
}

/** Returns what would change; throws `schema-incompatible` naming the field when a schema cannot be registered. */
export async function planSetup({ kafka, schemaRegistryUrl, layout }: SetupDeps): Promise<SetupPlan> {
  const topics = await planTopics(kafka, TOPICS, layout);
  const schemas: SchemaChange[] = [];
  for (const { name } of TOPICS)
    schemas.push(await planSchema(schemaRegistryUrl, subjectOf(name), schemaOf(name)));
  return { topics, schemas };
}

/** Carries a plan out. Idempotent: a second run plans nothing. */
export async function applySetup(
  { kafka, schemaRegistryUrl, layout }: SetupDeps,
  plan: SetupPlan,
): Promise<void> {
  await applyTopics(kafka, TOPICS, layout, plan.topics);
  for (const { name } of TOPICS) {
    const change = plan.schemas.find(({ subject }) => subject === subjectOf(name));
    if (change !== undefined && change.kind !== 'same')
      await registerSchema(schemaRegistryUrl, change.subject, schemaOf(name));
  }
}

/** Makes and registers whatever is missing. */
export async function ensureSetup(deps: SetupDeps): Promise<void> {
  await applySetup(deps, await planSetup(deps));
}

/** Returns the layout of topics where there is one broker. */
export function oneBrokerLayout(partitions: number): TopicLayout {
  return { partitions, replicationFactor: 1, minInsyncReplicas: 1 };
}
