import assert from 'node:assert/strict';
import avro from 'avsc';
import { RecordApplier } from '../../../services/online-learner/domain/apply-record.ts';
import type { AppliedRecords } from '../../../services/online-learner/domain/applied-records.ts';
import { GoldenRows } from '../../../services/online-learner/domain/golden-rows.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import { applyObserver } from '../../../services/online-learner/record-outcomes.ts';
import { ScoresGatherer } from '../../../services/online-learner/scores-gatherer.ts';
import { AvroBody } from '../../../shared/domain/avro-writer.ts';
import type { ByteSpan } from '../../../shared/domain/byte-span.ts';
import type { Scores, TrainingEvents } from '../../../shared/domain/events.ts';
import { PackedSkimmer } from '../../../shared/domain/packed-events.ts';
import { schemaOf } from '../../../shared/events/codec.ts';
import { PackedTrainingEvents } from '../../../shared/events/packed-training-events.ts';
import { streamConfig, streamModel, streamSpec } from './synthetic-stream.ts';

export const TYPE = avro.Type.forSchema(schemaOf('training-events.v1'));
const SCORES = avro.Type.forSchema(schemaOf('scores.v1'));
export const NAMES = streamSpec.features.map(({ name }) => name);
const PLACE = { model: 'clicks', shard: 0, shardKey: 'clicks#0', partition: 0 };

export const skimmer = new PackedSkimmer();

const decodeEvents = ({ bytes, from, to }: ByteSpan): TrainingEvents['events'] =>
  (TYPE.fromBuffer(Buffer.from(bytes.subarray(from, to))) as TrainingEvents).events;

/** Returns a record as the codec hands it out with its events packed; undefined when it must be decoded. */
export function packed(bytes: Uint8Array): PackedTrainingEvents | undefined {
  const header = skimmer.skim(bytes, 0);
  return header === null ? undefined : new PackedTrainingEvents(header, 0, decodeEvents);
}

/** Returns bytes as they come from Kafka: in one piece of memory, with something between them. */
export function nearEachOther(values: readonly Uint8Array[]): Buffer[] {
  const whole = Buffer.concat(values.flatMap((value, index) => [Buffer.alloc(7 + index, 0xff), value]));
  let at = 0;
  return values.map(({ length }, index) => {
    at += 7 + index + length;
    return whole.subarray(at - length, at);
  });
}

/** A learner, everything it says of the records it applied, one by one or all together, and its bytes at the end. */
export function outcomeOf(records: readonly TrainingEvents[], areTogether = false): object {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, streamConfig, { mode: 'cold' });
  learner.birth(3, { ...streamConfig, tableBits: 9 }, { mode: 'cold' });
  const gatherer = new ScoresGatherer(PLACE);
  const rows: unknown[] = [];
  const applier = new RecordApplier(learner, streamModel, {
    ...applyObserver({
      scores: gatherer,
      golden: new GoldenRows(NAMES.length),
      liveVersions: () => learner.liveVersions,
    }),
    learned: (values) => rows.push([...values()]),
  });
  const placed = records.map((one, offset) => ({
    value: one,
    source: { offset: 2 * offset, timestampMs: 1_790_000_000_000 + 400_000 * offset },
  }));
  const applied = areTogether
    ? [applier.applyAll(placed, 0, placed.length)]
    : placed.map((one) => applier.apply(one.value, one.source));
  const scores = gatherer.take().map((out) => SCORES.fromBuffer(Buffer.from(bodyOf(out.value))) as Scores);
  const state = learner.sections().map((section) => [section.name, Buffer.from(section.bytes())]);
  return { applied: summed(applied), rows, scores, state, position: learner.position };
}

/** Returns what calls told together. */
function summed(applied: readonly AppliedRecords[]): object {
  const sum = (of: (one: AppliedRecords) => number): number => applied.reduce((all, one) => all + of(one), 0);
  return {
    learned: sum((one) => one.learned),
    duplicates: sum((one) => one.duplicates),
    screened: sum((one) => one.screened),
    scored: sum((one) => one.scored),
    refused: applied.flatMap(({ refused }, call) =>
      refused.map(({ record: within, refusal }) => ({ record: call + within, refusal })),
    ),
    screenedBy: applied.flatMap(({ screenedBy }) => screenedBy),
    learnedToMs: Math.max(-1, ...applied.map(({ learnedToMs }) => learnedToMs ?? -1)),
  };
}

function bodyOf(body: unknown): Uint8Array {
  assert.ok(body instanceof AvroBody);
  return body.bytes;
}

export const SILENT = {
  begun: () => undefined,
  ended: () => undefined,
  scored: () => undefined,
  learned: () => undefined,
};

/** Returns an event with nothing wrong. */
export function plainEvent(id: string): object {
  return {
    id,
    eventTimeMs: 1,
    subject: 'subject',
    features: ['a', 'b', true, 1, 2],
    label: 1,
    weight: 1,
    labelSource: 'test',
    served: null,
  };
}

/** Returns a record with these events. */
export function bytesOfRecord(events: readonly object[]): Buffer {
  return TYPE.toBuffer({ model: 'clicks', shard: 0, featureNames: NAMES, watermarkMs: null, events });
}
