import { createCodec } from '../../../shared/events/codec.ts';
import type { TopicName } from '../../../shared/events/topics.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { FollowedRecord } from '../../../shared/kafka/topic-follower.ts';
import type { System } from '../../support/system.ts';
import type { Logs } from './judge.ts';

/** Reads a topic from its start to its end as it is now, committed records alone. */
async function readAll<Topic extends TopicName>(
  system: System,
  topic: Topic,
  onRecord: (record: FollowedRecord<Topic>) => void,
): Promise<void> {
  const codec = createCodec(system.stack.schemaRegistryUrl, Date.now);
  await codec.prepare([topic]);
  const failures: unknown[] = [];
  const follower = await followTopic({
    topic,
    kafka: system.kafka,
    codec,
    onRecord,
    onUndecodable: (_source, reason) => failures.push(new Error(`${topic}: ${reason}`)),
    onFatal: (error) => failures.push(error),
  });
  await follower.caughtUp;
  await follower.stop();
  if (failures.length > 0) throw failures[0] instanceof Error ? failures[0] : new Error(`reading ${topic}`);
}

/** Returns what Kafka holds of a model: its training events, labels and predictions, in the order of the log. */
export async function readLogs(system: System, model: string): Promise<Logs> {
  const logs: { [Part in keyof Logs]: Logs[Part][number][] } = { events: [], labels: [], predictions: [] };
  await readAll(system, 'training-events.v1', ({ source, value }) => {
    if (value?.model !== model) return;
    for (const { id, label, labelSource, served } of value.events) {
      const labelledAtMs = served?.labelledAtMs ?? null;
      logs.events.push({ id, label, labelSource, labelledAtMs, recordTimeMs: source.timestampMs });
    }
  });
  await readAll(system, 'labels.v1', ({ value }) => {
    if (value?.model !== model) return;
    for (const { predictionId, source, label, observedAtMs } of value.labels)
      logs.labels.push({ predictionId, source, label, observedAtMs });
  });
  await readAll(system, 'predictions.v1', ({ value }) => {
    if (value?.model !== model) return;
    for (const { id, predictedAtMs } of value.predictions) logs.predictions.push({ id, predictedAtMs });
  });
  return logs;
}
