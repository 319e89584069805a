import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '../events/codec.ts';
import type { TopicName, TopicRecords } from '../events/topics.ts';
import { isRetriable, messageOf } from '../errors.ts';
import { retryWhileRetriable } from '../runtime/retry.ts';
import type { KafkaClient } from './client.ts';
import { kafkaErrorType } from './client.ts';
import { FetchedRecord } from './consumed.ts';
import type { ConsumedRecord } from './consumed.ts';
import { logRanges, offsetAtTime } from './partition-count.ts';
import { createTopicReader } from './topic-reader.ts';
import type { FetchedPartition } from './topic-reader.ts';

const WAIT_MS = 500;
const PAUSE_AFTER_FAILURE_MS = 100;

/** One record of a followed topic; value is null for a tombstone. */
export interface FollowedRecord<Topic extends TopicName> {
  readonly source: ConsumedRecord;
  readonly value: TopicRecords[Topic] | null;
}

/** What a follower needs. */
export interface TopicFollowerDeps<Topic extends TopicName> {
  readonly topic: Topic;
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  /**
   * Called once for each record of the topic in offset order within its partition. Must not throw: a fold decides what to
   * do with a record it does not like.
   */
  readonly onRecord: (record: FollowedRecord<Topic>) => void;
  /** Records that Kafka took before this time, ms since the Unix epoch, are passed over. Default: none, it begins at the start. */
  readonly sinceMs?: number;
  /** Tells by its key whether a record is wanted; the others are passed over without being decoded. Default: all. */
  readonly wants?: (key: string) => boolean;
  /** Called with records whose bytes cannot be decoded; they are passed over. */
  readonly onUndecodable?: (source: ConsumedRecord, reason: string) => void;
  readonly onFatal: (error: unknown) => void;
}

/** A topic being read for as long as the process lives. */
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
 * Follows every partition of a topic from its start, or since a time, without a consumer group: one reading loop for each broker that leads
 * any. Kafka away is waited for; a position that retention has removed moves to the log's start.
 */
export async function followTopic<Topic extends TopicName>(
  deps: TopicFollowerDeps<Topic>,
): Promise<TopicFollower> {
  const { topic, kafka, codec } = deps;
  const { log } = kafka;
  const positions = new Map<number, number>();
  const awaited = new Map<number, number>();
  const stopping = new AbortController();
  const isStopping = (): boolean => stopping.signal.aborted;
  const caughtUp = Promise.withResolvers<undefined>();
  let isCaughtUp = false;
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
      caughtUp.resolve(undefined);
    }
  }

  async function fold({ partition, records, nextOffset }: FetchedPartition): Promise<void> {
    const raw = records.filter(
      ({ offset, key }) =>
        offset >= (positions.get(partition) ?? 0) &&
        (deps.wants?.(key === null ? '' : Buffer.from(key).toString('utf8')) ?? true),
    );
    const values = raw.map(({ value }) => value);
    await retryWhileRetriable(() => codec.learnWriters(values), {
      what: `learning the writer schemas of ${topic}`,
      log,
      signal: stopping.signal,
    });
    for (const source of raw) {
      const decoded = source.value === null ? undefined : codec.decode(topic, source.value);
      if (decoded === undefined) deps.onRecord({ source, value: null });
      else if (decoded.ok) deps.onRecord({ source, value: decoded.value });
      else deps.onUndecodable?.(source, decoded.reason);
    }
    moveTo(partition, nextOffset);
  }

  /** Lets go of the memory of an answer that was folded, where a client wants it back; all records of a partition lie in the same. */
  function giveBack({ records: [first] }: FetchedPartition): void {
    if (first instanceof FetchedRecord) kafka.answers?.giveBack(first.bytes.buffer);
  }

  /** Moves positions that retention has removed to the log's start. */
  async function moveIntoLog(): Promise<void> {
    for (const [partition, { start }] of await logRanges(kafka, topic)) {
      if ((positions.get(partition) ?? 0) < start) moveTo(partition, start);
    }
  }

  const reader = createTopicReader(kafka, topic);
  /** Loops by the broker they read from. */
  const loops = new Map<number, Promise<void>>();

  async function followLeader(leader: number): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const leaders = await reader.leaders();
        beginLoops(leaders);
        const mine = leaders.get(leader);
        if (mine === undefined) break;
        const wanted = new Map(mine.map((partition) => [partition, positions.get(partition) ?? 0]));
        const some = await reader.fetch(leader, wanted, WAIT_MS);
        for (const fetched of some) await fold(fetched);
        for (const fetched of some) giveBack(fetched);
      } catch (error) {
        if (isStopping()) break;
        if (!isRetriable(error)) throw error;
        log.debug({ topic, leader, reason: messageOf(error) }, 'following is tried again');
        if (kafkaErrorType(error) === 'OFFSET_OUT_OF_RANGE') await moveIntoLog().catch(() => undefined);
        await delay(PAUSE_AFTER_FAILURE_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
    loops.delete(leader);
  }

  function beginLoops(leaders: ReadonlyMap<number, readonly number[]>): void {
    for (const leader of leaders.keys()) {
      if (loops.has(leader)) continue; // a partition without a leader is asked of nobody until it has one
      const loop = followLeader(leader);
      loops.set(leader, loop);
      loop.catch(deps.onFatal);
    }
  }

  async function firstOffset(partition: number, start: number, end: number): Promise<number> {
    if (deps.sinceMs === undefined || end === start) return start;
    return offsetAtTime(kafka, { topic, partition }, deps.sinceMs, end);
  }

  const retry = { what: `following ${topic}`, log, signal: stopping.signal };
  const [ranges, leaders] = await retryWhileRetriable(
    () => Promise.all([logRanges(kafka, topic), reader.leaders()]),
    retry,
  );
  for (const [partition, { start, end }] of ranges) {
    const from = await retryWhileRetriable(() => firstOffset(partition, start, end), retry);
    positions.set(partition, from);
    if (end > from) awaited.set(partition, end);
  }
  if (awaited.size === 0) moveTo(0, 0);
  beginLoops(leaders);

  return {
    caughtUp: caughtUp.promise,
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
      const ending = [...loops.values()];
      await reader.close(); // ends what waits for a broker
      await Promise.allSettled(ending);
    },
  };
}
