import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Codec } from '../events/codec.ts';
import type { TopicName, TopicRecords } from '../events/topics.ts';
import { messageOf } from '../errors.ts';
import { retryWhileRetriable } from '../runtime/retry.ts';
import type { KafkaClient } from './client.ts';
import { kafkaError } from './client.ts';
import { consumedRecord } from './consumed.ts';
import type { ConsumedRecord } from './consumed.ts';
import { logRanges } from './partition-count.ts';

/** One record of a followed topic; value is null for a tombstone. */
export interface FollowedRecord<Topic extends TopicName> {
  readonly source: ConsumedRecord;
  readonly value: TopicRecords[Topic] | null;
}

/** What a follower needs. */
export interface TopicFollowerDeps<Topic extends TopicName> {
  readonly service: string;
  readonly topic: Topic;
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  /**
   * Called once for each record of the topic in offset order within its partition, however often the group rejoins.
   * Must not throw: a fold decides what to do with a record it does not like.
   */
  readonly onRecord: (record: FollowedRecord<Topic>) => void;
  /** Tells by its key whether a record is wanted; the others are passed over without being decoded. Default: all. */
  readonly wants?: (key: string) => boolean;
  /** Called with records whose bytes cannot be decoded; they are passed over. */
  readonly onUndecodable?: (source: ConsumedRecord, reason: string) => void;
  readonly onFatal: (error: unknown) => void;
}

/** A topic being read from its start for as long as the process lives. */
export interface TopicFollower {
  /** Resolves when everything that was on the topic at start has been folded. */
  readonly caughtUp: Promise<void>;
  readonly isCaughtUp: () => boolean;
  /** Resolves when everything below an offset of a partition has been folded. */
  reached(partition: number, offset: number): Promise<void>;
  /** Offset after the last record folded, of one partition; 0 before any. */
  position(partition: number): number;
  stop(): Promise<void>;
}

/**
 * Follows every partition of a topic from its start, in a consumer group of its own (kafkajs knows no other way), which
 * is deleted on stop. A rejoin re-reads the topic; the guard by offset keeps the fold from seeing a record twice.
 */
export async function followTopic<Topic extends TopicName>(
  deps: TopicFollowerDeps<Topic>,
): Promise<TopicFollower> {
  const { topic, kafka, codec } = deps;
  const groupId = `headrace-${deps.service}-${topic}-${randomUUID()}`;
  const positions = new Map<number, number>();
  const awaited = new Map<number, number>();
  const stopping = new AbortController();
  let markCaughtUp: () => void = () => undefined;
  let isCaughtUp = false;
  const caughtUp = new Promise<void>((resolve) => {
    markCaughtUp = resolve;
  });
  const consumer: Consumer = kafka.consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: 4 * 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER },
  });

  let watchers: { partition: number; offset: number; resolve: () => void }[] = [];

  function moveTo(partition: number, nextOffset: number): void {
    positions.set(partition, Math.max(positions.get(partition) ?? 0, nextOffset));
    const isReached = (watcher: (typeof watchers)[number]): boolean =>
      (positions.get(watcher.partition) ?? 0) >= watcher.offset;
    const reached = watchers.filter(isReached);
    watchers = watchers.filter((watcher) => !isReached(watcher));
    for (const { resolve } of reached) resolve();
    if ((awaited.get(partition) ?? Infinity) <= nextOffset) awaited.delete(partition);
    if (awaited.size === 0 && !isCaughtUp) {
      isCaughtUp = true;
      markCaughtUp();
    }
  }

  async function take({ batch, heartbeat }: EachBatchPayload): Promise<void> {
    const { partition } = batch;
    const raw = batch.messages
      .map((message) => consumedRecord(topic, partition, message))
      .filter(({ offset, key }) => {
        const isNew = offset >= (positions.get(partition) ?? 0);
        return isNew && (deps.wants?.(key === null ? '' : Buffer.from(key).toString('utf8')) ?? true);
      });
    await retryWhileRetriable(
      () =>
        codec.learnWriters(
          topic,
          raw.map(({ value }) => value),
        ),
      {
        what: `learning the writer schemas of ${topic}`,
        log: kafka.log,
        signal: stopping.signal,
        onRetry: () => heartbeat(),
      },
    );
    for (const source of raw) {
      const decoded = source.value === null ? undefined : codec.decode(topic, source.value);
      if (decoded === undefined) deps.onRecord({ source, value: null });
      else if (decoded.ok) deps.onRecord({ source, value: decoded.value });
      else deps.onUndecodable?.(source, decoded.reason);
    }
    moveTo(partition, Number(batch.lastOffset()) + 1);
    await heartbeat();
  }

  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize === 0) moveTo(payload.partition, Number(payload.lastOffset) + 1);
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) deps.onFatal(payload.error);
  });

  const ranges = await retryWhileRetriable(() => logRanges(kafka, topic), {
    what: `reading the end of ${topic}`,
    log: kafka.log,
    signal: stopping.signal,
  });
  for (const [partition, { start, end }] of ranges) if (end > start) awaited.set(partition, end);
  if (awaited.size === 0) moveTo(0, 0);

  await consumer.connect().catch((error: unknown) => {
    throw kafkaError(`following ${topic}`, error);
  });
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: take });

  return {
    caughtUp,
    isCaughtUp: () => isCaughtUp,
    reached: (partition, offset) =>
      (positions.get(partition) ?? 0) >= offset
        ? Promise.resolve()
        : new Promise((resolve) => {
            watchers.push({ partition, offset, resolve });
          }),
    position: (partition) => positions.get(partition) ?? 0,
    async stop() {
      stopping.abort();
      await consumer.stop();
      await consumer.disconnect();
      await deleteGroup(kafka, groupId);
    },
  };
}

/** Deletes a group that nobody needs any more; when that fails, the broker forgets it by itself after a while. */
async function deleteGroup(kafka: KafkaClient, groupId: string): Promise<void> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    await admin.deleteGroups([groupId]);
  } catch (error) {
    kafka.log.debug({ groupId, reason: messageOf(error) }, 'group not deleted');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
