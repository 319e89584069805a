import kafkajs from 'kafkajs';
import type { Admin } from 'kafkajs';
import type { TopicSettings } from '../events/topics.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';

const { ConfigResourceTypes } = kafkajs; // CommonJS: Node finds only some of its names

/** How topics are made beyond their own settings. */
export interface TopicLayout {
  /** Partition count of the sharded topics. Fixed for the life of the system: shards are placed by it. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly minInsyncReplicas: number;
}

/** One difference between the topics as they are and as they should be. */
export type TopicChange =
  | { readonly kind: 'create'; readonly topic: string; readonly partitions: number }
  | {
      readonly kind: 'configure';
      readonly topic: string;
      readonly setting: string;
      readonly from: string;
      readonly to: string;
    }
  | { readonly kind: 'impossible'; readonly topic: string; readonly why: string };

function configOf(topic: TopicSettings, layout: TopicLayout): Record<string, string> {
  return { ...topic.config, 'min.insync.replicas': String(layout.minInsyncReplicas) };
}

async function withAdmin<T>(
  kafka: KafkaClient,
  doing: string,
  work: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    throw kafkaError(doing, error);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Returns every difference between the broker's topics and ours, without changing anything. */
export function planTopics(
  kafka: KafkaClient,
  topics: readonly TopicSettings[],
  layout: TopicLayout,
): Promise<TopicChange[]> {
  return withAdmin(kafka, 'reading the topics', async (admin) => {
    const existing = new Set(await admin.listTopics());
    const present = topics.filter(({ name }) => existing.has(name));
    const changes: TopicChange[] = topics
      .filter(({ name }) => !existing.has(name))
      .map(({ name, isSharded }) => ({
        kind: 'create',
        topic: name,
        partitions: isSharded ? layout.partitions : 1,
      }));
    if (present.length === 0) return changes;
    const { topics: metadata } = await admin.fetchTopicMetadata({ topics: present.map(({ name }) => name) });
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: present.map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name })),
    });
    for (const topic of present) {
      const actual = metadata.find(({ name }) => name === topic.name)?.partitions.length ?? 0;
      const wanted = topic.isSharded ? layout.partitions : 1;
      if (actual !== wanted) {
        const why = `has ${String(actual)} partitions, wanted ${String(wanted)}; shards are placed by this number, so it never changes`;
        changes.push({ kind: 'impossible', topic: topic.name, why });
      }
      const entries = resources.find(({ resourceName }) => resourceName === topic.name)?.configEntries ?? [];
      for (const [setting, to] of Object.entries(configOf(topic, layout))) {
        const from = entries.find(({ configName }) => configName === setting)?.configValue ?? '';
        if (from !== to) changes.push({ kind: 'configure', topic: topic.name, setting, from, to });
      }
    }
    return changes;
  });
}

/** Makes missing topics and corrects settings. Doing it again changes nothing. */
export function applyTopics(
  kafka: KafkaClient,
  topics: readonly TopicSettings[],
  layout: TopicLayout,
  changes: readonly TopicChange[],
): Promise<void> {
  return withAdmin(kafka, 'changing the topics', async (admin) => {
    const toCreate = topics.filter(({ name }) =>
      changes.some((change) => change.kind === 'create' && change.topic === name),
    );
    if (toCreate.length > 0) {
      await admin.createTopics({
        waitForLeaders: true,
        topics: toCreate.map((topic) => ({
          topic: topic.name,
          numPartitions: topic.isSharded ? layout.partitions : 1,
          replicationFactor: layout.replicationFactor,
          configEntries: Object.entries(configOf(topic, layout)).map(([name, value]) => ({ name, value })),
        })),
      });
    }
    const toConfigure = topics.filter(({ name }) =>
      changes.some((change) => change.kind === 'configure' && change.topic === name),
    );
    if (toConfigure.length > 0) {
      await admin.alterConfigs({
        validateOnly: false,
        resources: toConfigure.map((topic) => ({
          type: ConfigResourceTypes.TOPIC,
          name: topic.name,
          configEntries: Object.entries(configOf(topic, layout)).map(([name, value]) => ({ name, value })),
        })),
      });
    }
  });
}
