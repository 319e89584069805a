/**
 * A process that writes snapshots of one version as its learner would, but as fast as it is told: each has learned 600 more events
 * than the one before, so that 3,000 more weights are touched. It is a process of its own, so that whoever measures is not held up by
 * it. Takes `WriterInput` first, then `WriterAsk`s.
 */
import { setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { createFeatureEncoder } from '../../../shared/domain/feature-encoder.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { bytesOf } from '../../../shared/domain/state-section.ts';
import { createCodec } from '../../../shared/events/codec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { snapshotKey } from '../../../shared/events/topics.ts';
import { createKafkaClient } from '../../../shared/kafka/client.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { SnapshotChain } from '../../../services/online-learner/domain/snapshot-chain.ts';
import type { SnapshotLink } from '../../../services/online-learner/domain/snapshot-chain.ts';
import { CoordinateSet } from '../../../services/online-learner/domain/touched-coordinates.ts';
import { createSnapshotIntake } from '../../../services/router/domain/snapshot-intake.ts';
import { MULTIPLY_ADD, scoreLinear } from '../../../services/router/domain/score-linear.ts';
import type { WriterAsk, WriterInput, WriterSaid } from './writer-messages.ts';

const CHUNK_BYTES = 4 * 1024 * 1024;
const TOUCHED_EACH = 3000;
const VERSION = 1;

/** Returns the newest parameters on the topic, whole, and the record that they came with. */
async function newestOf(input: WriterInput) {
  const kafka = createKafkaClient({ brokers: input.brokers, clientId: 'snapshot-writer', log: silentLog });
  const codec = createCodec(input.schemaRegistryUrl, Date.now);
  await codec.prepare(['snapshots.v1']);
  const intake = createSnapshotIntake(sha256Hex);
  let record: Snapshot | undefined;
  const follower = await followTopic({
    topic: 'snapshots.v1',
    kafka,
    codec,
    wants: (key) => key.startsWith(`${input.model}#0/${String(VERSION)}/`),
    onRecord: ({ value }) => {
      if (value === null) return;
      record = value;
      intake.take(value, undefined);
    },
    onFatal: (error) => {
      throw error;
    },
  });
  await follower.caughtUp;
  await follower.stop();
  const state = intake.next();
  if (state === undefined || record === undefined) throw new Error(`${input.model} has no snapshot`);
  return { kafka, codec, state, record };
}

/** What one topic has been told: the snapshots of a version that learns only while they are written there. */
function openStream(
  { state, record, codec }: Awaited<ReturnType<typeof newestOf>>,
  { model, spec, partitions }: WriterInput,
) {
  const { tableBits } = state;
  const { features, crosses } = spec as ModelSpec;
  const encoder = createFeatureEncoder(features, crosses, tableBits);
  const weights = state.weights.slice();
  const rng = createRng(7);
  const shardKey = `${model}#0`;
  const partition = partitionOf(shardKey, partitions);
  const touched = new CoordinateSet(weights.length);
  const touching = new Uint32Array(TOUCHED_EACH);
  const chain = new SnapshotChain(weights.length);
  const touchedWeights = {
    takeTouched: () => touched.list(),
    resetTouched: () => {
      touched.clear();
    },
  };
  let position = state.position;

  function learn(): void {
    for (let i = 0; i < TOUCHED_EACH; i++) {
      const index = rng.int(weights.length - 1);
      weights[index] = (weights[index] ?? 0) + 0.01 * (rng.next() - 0.5);
      touching[i] = index;
    }
    touched.add(touching);
    position += 1;
  }

  function goldenScores(): number[] {
    const rows = record.goldenRows;
    const indices = new Int32Array(rows.length * encoder.width);
    const values = new Float32Array(rows.length * encoder.width);
    rows.forEach((row, at) => {
      encoder.encode(row, state, indices, values, at * encoder.width);
    });
    return [...scoreLinear({ indices, values, rows: rows.length }, weights, MULTIPLY_ADD.fused)];
  }

  /** Learns, and returns the records of the next snapshot. */
  function next(): { key: string; value: Buffer; partition: number }[] {
    learn();
    return chain.next(position, touchedWeights).flatMap(recordsOf);
  }

  function recordsOf({ kind, basePosition, indices: list, slot }: SnapshotLink): ReturnType<typeof next> {
    const carried = list === null ? weights : Float32Array.from(list, (index) => weights[index] ?? 0);
    const indices = list === null ? null : bytesOf(list);
    const bytes = bytesOf(carried);
    const chunkCount = Math.ceil(bytes.length / CHUNK_BYTES);
    const scores = goldenScores();
    return Array.from({ length: chunkCount }, (_, chunkIndex) => {
      const part = Buffer.from(
        bytes.buffer,
        bytes.byteOffset + chunkIndex * CHUNK_BYTES,
        Math.min(CHUNK_BYTES, bytes.length - chunkIndex * CHUNK_BYTES),
      );
      const digested = [...(indices === null ? [] : [indices]), part, record.means, record.invStds];
      const value = codec.encode('snapshots.v1', {
        ...record,
        kind,
        position,
        basePosition,
        publishedAtMs: Date.now(),
        graph: kind === 'full' ? Buffer.from(state.graph ?? []) : null,
        indices: indices === null ? null : Buffer.from(indices.buffer),
        weights: part,
        goldenScores: scores,
        digest: sha256Hex(digested),
        chunkIndex,
        chunkCount,
      });
      return { key: snapshotKey(shardKey, VERSION, kind, slot + chunkIndex), value, partition };
    });
  }

  const made: ReturnType<typeof next>[] = [];
  return {
    /** Makes snapshots until so many are there to be taken. */
    make(count: number): void {
      while (made.length < count) made.push(next());
    },
    take: () => made.shift() ?? next(),
  };
}

async function openWriter(input: WriterInput) {
  const newest = await newestOf(input);
  const producer = newest.kafka.producer();
  await producer.connect();
  const streams = new Map<string, ReturnType<typeof openStream>>();
  const streamOf = (topic: string) => {
    const stream = streams.get(topic) ?? openStream(newest, input);
    streams.set(topic, stream);
    return stream;
  };
  return {
    make(topic: string, count: number): void {
      streamOf(topic).make(count);
    },
    async write(topic: string): Promise<void> {
      for (const message of streamOf(topic).take())
        await producer.send({ topic, messages: [message], acks: -1 });
    },
  };
}

function say(said: WriterSaid): void {
  process.send?.(said);
}

// On two cores it would hold up what is measured; a learner has a machine of its own.
setPriority(0, 10);

let writer: Awaited<ReturnType<typeof openWriter>> | undefined;
let ending = new AbortController();
let writing: Promise<void> = Promise.resolve();

/** Writes one each time that one is due; one that took long is made up for. */
async function write(topic: string, everyMs: number, signal: AbortSignal): Promise<void> {
  for (let dueMs = performance.now(); !signal.aborted; dueMs += everyMs) {
    await pause(Math.max(0, dueMs - performance.now()), undefined, { signal }).catch(() => undefined);
    await writer?.write(topic); // one more at the end harms nobody
  }
}

async function obey(ask: WriterAsk): Promise<void> {
  switch (ask.kind) {
    case 'open':
      writer = await openWriter(ask.input);
      break;
    case 'start':
      writer?.make(ask.topic, ask.ahead);
      ending = new AbortController();
      writing = write(ask.topic, ask.everyMs, ending.signal);
      break;
    case 'stop':
      ending.abort();
      await writing;
  }
  say({ kind: 'done' });
}

process.on('disconnect', () => process.exit());
process.on('message', (ask: WriterAsk) => {
  void obey(ask);
});
