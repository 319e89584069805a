import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Milestone } from '../../../shared/domain/events.ts';
import type { Codec } from '../../../shared/events/codec.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { logRanges } from '../../../shared/kafka/partition-count.ts';
import type { OutRecord, RecordProducer } from '../../../shared/kafka/producer.ts';
import { readRange } from '../../../shared/kafka/read-range.ts';
import { MilestoneAssembler } from '../domain/milestone-assembler.ts';
import type { AssembledMilestone } from '../domain/milestone-assembler.ts';
import type { KeptMilestone, MilestonePorts, MilestoneReason, MilestoneState } from '../ports.ts';

const TOPIC = 'milestones.v1';
const CHUNK_BYTES = 4 * 1024 * 1024;
const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** What is said of a milestone in each of its records. */
interface MilestoneManifest {
  readonly format: 1;
  readonly reason: MilestoneReason;
  readonly createdAtMs: number;
  readonly learnedToMs: number | null;
  /** SHA-256 of each section's bytes before compression, in canonical order. */
  readonly sections: readonly { readonly name: string; readonly digest: string }[];
}

/** Which shard's milestones, and the world. */
export interface KafkaMilestonesDeps {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly producer: RecordProducer;
  readonly model: string;
  readonly shard: number;
  readonly shardKey: string;
  readonly partition: number;
  readonly nowMs: () => number;
  /** Called before the first and after the last record of a milestone. */
  readonly onMoment: (moment: 'milestone-begun' | 'milestone-written') => void;
}

/** Returns the milestones of one shard on Kafka: each section compressed on its own, in chunks, every record with the manifest. */
export function createKafkaMilestones(deps: KafkaMilestonesDeps): MilestonePorts {
  const { kafka, codec, producer, model, shard, shardKey, partition } = deps;
  const keyOf = (position: number, chunk: number): string =>
    `${shardKey}/${String(position)}/${String(chunk)}`;

  async function recordsOf(state: MilestoneState, reason: MilestoneReason): Promise<OutRecord[]> {
    const manifest: MilestoneManifest = {
      format: 1,
      reason,
      createdAtMs: deps.nowMs(),
      learnedToMs: state.learnedToMs,
      sections: state.sections.map(({ name, bytes }) => ({ name, digest: sha256Hex([bytes]) })),
    };
    const chunks: { section: string; bytes: Buffer }[] = [];
    for (const { name, bytes } of state.sections) {
      const packed = await compress(bytes);
      for (let from = 0; from < packed.length; from += CHUNK_BYTES)
        chunks.push({ section: name, bytes: packed.subarray(from, from + CHUNK_BYTES) });
    }
    return chunks.map(({ section, bytes }, chunkIndex) => {
      const value: Milestone = {
        model,
        shard,
        position: state.position,
        manifest: JSON.stringify(manifest),
        section,
        chunkIndex,
        chunkCount: chunks.length,
        bytes,
      };
      return { topic: TOPIC, key: keyOf(state.position, chunkIndex), partition, value };
    });
  }

  async function unpack(found: AssembledMilestone): Promise<MilestoneState | string> {
    const manifest = JSON.parse(found.manifest) as MilestoneManifest;
    const sections: { name: string; bytes: Uint8Array }[] = [];
    for (const { name, digest } of manifest.sections) {
      const bytes = await decompress(Buffer.concat([...(found.sections.get(name) ?? [])])).catch(
        () => new Uint8Array(),
      );
      if (sha256Hex([bytes]) !== digest)
        return `section ${name} of the milestone at ${String(found.position)} is damaged`;
      sections.push({ name, bytes });
    }
    return { position: found.position, learnedToMs: manifest.learnedToMs, sections };
  }

  return {
    async write(state, reason) {
      deps.onMoment('milestone-begun');
      const records = await recordsOf(state, reason);
      await producer.send(records);
      deps.onMoment('milestone-written');
      return { position: state.position, reason, chunkCount: records.length, createdAtMs: deps.nowMs() };
    },
    async forget({ position, chunkCount }: KeptMilestone) {
      await producer.send(
        Array.from({ length: chunkCount }, (_, chunk) => ({
          topic: TOPIC,
          key: keyOf(position, chunk),
          partition,
          value: null,
        })),
      );
    },
    async newest(atMost = Infinity) {
      const range = (await logRanges(kafka, TOPIC)).get(partition);
      const assembler = new MilestoneAssembler(shardKey, atMost);
      const { start = 0, end = 0 } = range ?? {};
      for await (const { records } of readRange(kafka, { topic: TOPIC, partition, from: start, to: end })) {
        const ours = records.filter(
          ({ key }) => key !== null && assembler.wants(Buffer.from(key).toString()),
        );
        await codec.learnWriters(ours.map(({ value }) => value));
        for (const { key, value } of ours) {
          const decoded = value === null ? undefined : codec.decode(TOPIC, value);
          if (decoded?.ok === false) continue; // without it its milestone stays incomplete
          assembler.take(Buffer.from(key ?? []).toString(), decoded?.value ?? null);
        }
      }
      const damaged: string[] = [];
      for (const candidate of assembler.complete()) {
        const state = await unpack(candidate);
        if (typeof state !== 'string') return { state, damaged };
        damaged.push(state);
      }
      return { state: undefined, damaged };
    },
  };
}
