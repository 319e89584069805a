import { setTimeout as delay } from 'node:timers/promises';
import type { Batch, EachBatchPayload } from 'kafkajs';
import { isFenced, messageOf } from '../errors.ts';
import type { TopicName } from '../events/topics.ts';
import { retryWhileRetriable } from '../runtime/retry.ts';
import { createCommitHints } from './commit-hints.ts';
import { consumedRecord, spanOf, topicPartitionKey } from './consumed.ts';
import type { TopicPartition } from './consumed.ts';
import { Cursors } from './cursor.ts';
import { HEARTBEAT_MS, openConsumer } from './open-consumer.ts';
import { createOutbox } from './outbox.ts';
import { traceBatch } from './trace-batch.ts';
import { watchSilence } from './watch-silence.ts';
import type { GroupConsumerDeps } from './group-consumer-deps.ts';
import { decodeBatch, recordsOf } from './record-batch.ts';
import type { RecordBatch } from './record-batch.ts';

/** How many batches may be handled whose emissions are not acknowledged yet. */
const UNSETTLED_MAX = 4;

/** A running consumer loop. */
export interface GroupConsumer {
  /** What the loop waits for, in words; undefined when it reads. */
  readonly waitsFor: () => string | undefined;
  /** Asks the loop to read a partition again from an offset. */
  seek(partition: TopicPartition, offset: number): void;
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Finishes the batch in hand, leaves the group and disconnects. */
  stop(): Promise<void>;
}

/**
 * Starts the only consumer loop of the system. For every batch, in this order: decode, decide, write what the
 * decisions emit and wait for the acknowledgement, settle (checkpoint), commit. A handler may let the loop read on while
 * writes are on their way (`mustSettle`); it is settled only when everything emitted so far is acknowledged. Dying at any
 * point repeats from the last settled position; nothing is skipped. Whatever is away (Kafka, Redis, the schema registry) makes the
 * loop wait and try again; undecodable content goes to the dead letters and the batch goes on.
 */
export async function startGroupConsumer(deps: GroupConsumerDeps): Promise<GroupConsumer> {
  const { handler, codec, producer, topics } = deps;
  const { log } = deps.kafka;
  const stopping = new AbortController();
  const cursors = new Cursors();
  let waitsFor: string | undefined = 'joining the consumer group';
  const consumer = openConsumer(deps);
  let joins = 0;
  let assigned: readonly TopicPartition[] = [];
  const onMoment = deps.onMoment ?? ((): void => undefined);
  const retry = {
    log,
    signal: stopping.signal,
    onRetry: (error: unknown): void => {
      waitsFor = messageOf(error);
    },
  };
  /** The newest batch of each partition that was handled and not settled. */
  const unsettled = new Map<string, RecordBatch>();
  let isInBatch = false;
  /** Under way from a (re)join until every position is known. */
  let joining: Promise<void> | undefined;
  let settling: Promise<void> | undefined;
  const hints = createCommitHints(consumer, log, () => {
    onMoment('offset-committed');
  });
  const outbox = createOutbox({
    producer,
    retry,
    onFatal: deps.onFatal,
    onDrained: settleDrained,
  });

  /** Settles what is acknowledged, unless a batch is in hand: who has it settles, or asks again at its end. */
  function settleDrained(): void {
    if (unsettled.size === 0 || isInBatch || outbox.waiting() > 0 || stopping.signal.aborted) return;
    settling = settle().catch((error: unknown) => {
      if (isFenced(error)) takeOverAgain(error);
      else deps.onFatal(error);
    });
  }

  /** Settles the newest batch of every partition. Everything emitted must be acknowledged. */
  async function settle(): Promise<void> {
    onMoment('emissions-acknowledged');
    for (const [key, batch] of [...unsettled]) {
      unsettled.delete(key);
      const settled = await retryWhileRetriable(() => handler.settle(batch), {
        ...retry,
        what: 'checkpointing',
      });
      if (settled !== undefined) hints.add(batch, settled);
    }
    waitsFor = undefined;
    onMoment('batch-settled');
  }

  /** Takes over what is assigned; whatever comes in meanwhile is left for later. */
  function beginJoin(): void {
    const mine = join().catch(deps.onFatal);
    joining = mine;
    void mine.finally(() => {
      if (joining === mine) joining = undefined;
    });
  }

  /** Somebody else wrote what is ours: as long as the group says that it is ours, it is taken over as after a join. */
  function takeOverAgain(error: unknown): void {
    log.warn({ reason: messageOf(error) }, 'taken over by somebody else: taking it over again');
    if (joining === undefined) beginJoin();
  }

  async function join(): Promise<void> {
    const mine = (joins += 1);
    waitsFor = 'taking over partitions';
    await settling;
    await outbox.drained(); // taking over may store what was learned: nothing of it may be on its way
    unsettled.clear();
    const positions = await retryWhileRetriable(() => handler.takeOver(assigned), {
      what: 'taking over partitions',
      log,
      signal: stopping.signal,
    });
    if (mine !== joins || stopping.signal.aborted) return; // a later join has begun; it decides
    for (const { topic, partition } of assigned) {
      const key = topicPartitionKey(topic, partition);
      const position = positions.get(key);
      if (position === undefined) continue;
      cursors.seek(key, position);
      consumer.seek({ topic, partition, offset: String(position) });
    }
    onMoment('partitions-taken-over');
    waitsFor = undefined;
  }

  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    assigned = Object.entries(payload.memberAssignment).flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic: topic as TopicName, partition })),
    );
    for (const topic of topics) {
      for (let partition = 0; partition < deps.partitions; partition += 1) {
        cursors.forget(topicPartitionKey(topic, partition));
      }
    }
    beginJoin();
  });
  consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
    if (payload.batchSize > 0) return;
    const { topic, partition } = payload;
    const nextOffset = Number(payload.lastOffset) + 1;
    const key = topicPartitionKey(topic, partition);
    cursors.skipTo(key, Number(payload.firstOffset), nextOffset);
    if (cursors.next(key) === nextOffset)
      handler.skipTo?.({ topic: topic as TopicName, partition }, nextOffset);
  });
  const isSilent = watchSilence(consumer, deps.nowMs);
  const reasonToWait = (): string | undefined => (isSilent() ? 'kafka, which does not answer' : waitsFor);
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) deps.onFatal(payload.error);
  });

  async function takeBatch(
    payload: EachBatchPayload,
    batch: Batch & { fetchedOffset?: string },
  ): Promise<void> {
    if (joining !== undefined) {
      await untilJoined(payload);
      return; // it was fetched from the committed hint: the next fetch begins where taking over has sought to
    }
    await settling;
    isInBatch = true;
    try {
      await handleBatch(payload, batch);
    } catch (error) {
      if (!isFenced(error)) throw error;
      await payload.heartbeat(); // throws when we are no member any more: then a new join decides
      takeOverAgain(error);
    } finally {
      isInBatch = false;
    }
    // Acknowledged while a heartbeat was on its way, it would wait for the next batch, which may never come.
    settleDrained();
  }

  /** Waits for the end of a take-over and stays a member of the group meanwhile. */
  async function untilJoined({ heartbeat }: EachBatchPayload): Promise<void> {
    while (joining !== undefined) {
      await Promise.race([joining, delay(HEARTBEAT_MS)]);
      await heartbeat();
    }
  }

  async function handleBatch(
    payload: EachBatchPayload,
    batch: Batch & { fetchedOffset?: string },
  ): Promise<void> {
    const topic = batch.topic as TopicName;
    const { partition } = batch;
    const key = topicPartitionKey(topic, partition);
    const fetchedOffset = Number(batch.fetchedOffset ?? batch.firstOffset());
    const nextOffset = Number(batch.lastOffset()) + 1;
    const decision = cursors.decide(key, fetchedOffset, nextOffset);
    const cursor = cursors.next(key);
    if (cursor === undefined || decision !== 'take') {
      log.warn({ topic, partition, fetchedOffset, nextOffset, cursor }, `batch not taken: ${decision}`);
      if (cursor !== undefined) consumer.seek({ topic, partition, offset: String(cursor) });
      return;
    }
    const retryAlive = {
      ...retry,
      onRetry: async (error: unknown): Promise<void> => {
        retry.onRetry(error);
        await payload.heartbeat();
      },
    };
    onMoment('batch-fetched');
    const raw = batch.messages
      .map((message) => consumedRecord(topic, partition, message))
      .filter(({ offset }) => offset >= cursor);
    const values = raw.map(spanOf);
    await retryWhileRetriable(() => codec.learnWriters(values), {
      ...retryAlive,
      what: 'learning writer schemas',
    });
    const { typed, poison } = decodeBatch(deps, raw);
    const records: RecordBatch = {
      topic,
      partition,
      records: typed,
      nextOffset,
      highWatermark: Number(batch.highWatermark),
    };
    const beganMs = deps.nowMs();
    const outcomes = await retryWhileRetriable(async () => handler.handle(records), {
      ...retryAlive,
      what: `handling ${topic}`,
    });
    const { onOutcome } = deps;
    if (onOutcome !== undefined) {
      typed.forEach(({ topic: from }, index) => {
        const outcome = outcomes[index];
        if (outcome !== undefined) onOutcome(from, outcome);
      });
    }
    const cause = { service: deps.service, atMs: deps.nowMs() };
    const out = [
      ...poison,
      ...recordsOf(traceBatch({ ...deps, beganMs }, records, outcomes), outcomes, cause),
    ];
    deps.observe.batch(records, out);
    onMoment('batch-applied');
    outbox.add(out);
    unsettled.set(key, records);
    cursors.skipTo(key, fetchedOffset, nextOffset);
    const isDue = handler.mustSettle?.(records) !== false || outbox.waiting() > UNSETTLED_MAX;
    if (isDue || outbox.waiting() === 0) await settleAll();
    await payload.heartbeat();
  }

  /** Settles once everything emitted is acknowledged. */
  async function settleAll(): Promise<void> {
    await outbox.drained();
    await settle();
  }

  await retryWhileRetriable(() => consumer.connect(), { ...retry, what: 'connecting to kafka' });
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    partitionsConsumedConcurrently: 1,
    eachBatch: (payload) => takeBatch(payload, payload.batch),
  });

  return {
    waitsFor: reasonToWait,
    seek({ topic, partition }, offset) {
      cursors.seek(topicPartitionKey(topic, partition), offset);
      consumer.seek({ topic, partition, offset: String(offset) });
    },
    pause: (partitions) => {
      consumer.pause(partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
    },
    resume: (partitions) => {
      consumer.resume(partitions.map(({ topic, partition }) => ({ topic, partitions: [partition] })));
    },
    async stop() {
      stopping.abort();
      await consumer.stop();
      await settling;
      await outbox.drained().catch(() => undefined); // what is not written now is decided again from the checkpoint
      await hints.flush();
      await consumer.disconnect();
    },
  };
}
