import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import { createTrainingEventEncoder } from '../../../shared/events/training-event-encoder.ts';
import type { ProducedEvent } from '../../../shared/events/training-event-encoder.ts';
import type { StartedSystem } from '../../support/system.ts';
import { PARTITIONS } from '../../support/system.ts';

const TOPIC = 'training-events.v1';
const RECORDS_PER_WRITE = 4000;
const BYTES_PER_WRITE = 900_000;

/** Writes events of a model, so many a record, and returns the log's end. */
export async function writeLog(
  system: StartedSystem,
  model: string,
  events: Iterable<ProducedEvent>,
  eventsPerRecord: number,
): Promise<number> {
  const encoder = await createTrainingEventEncoder(system.stack.schemaRegistryUrl, PARTITIONS);
  const producer = system.kafka.producer();
  await producer.connect();
  let messages: { key: Buffer; value: Buffer; partition: number }[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (messages.length > 0) await producer.send({ topic: TOPIC, messages, acks: -1 });
    messages = [];
    bytes = 0;
  };
  const write = async (some: readonly ProducedEvent[]): Promise<void> => {
    const { key, value, partition } = encoder.encode(model, some);
    messages.push({ key, value, partition });
    bytes += value.length;
    if (messages.length >= RECORDS_PER_WRITE || bytes > BYTES_PER_WRITE) await flush();
  };
  let record: ProducedEvent[] = [];
  for (const event of events) {
    record.push(event);
    if (record.length < eventsPerRecord) continue;
    await write(record);
    record = [];
  }
  if (record.length > 0) await write(record);
  await flush();
  await producer.disconnect();
  return logEnd(system, model);
}

/** Returns the next offset of a model's partition. */
export async function logEnd(system: StartedSystem, model: string): Promise<number> {
  const admin = system.kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(TOPIC);
  await admin.disconnect();
  const partition = partitionOf(shardKey(model, 0), PARTITIONS);
  return Number(offsets.find((one) => one.partition === partition)?.high ?? 0);
}
