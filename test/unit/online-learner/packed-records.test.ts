import assert from 'node:assert/strict';
import { test } from 'node:test';
import avro from 'avsc';
import fc from 'fast-check';
import { RecordApplier } from '../../../services/online-learner/domain/apply-record.ts';
import type { AppliedRecords, ScoredExample } from '../../../services/online-learner/domain/apply-record.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { ScoresGatherer } from '../../../services/online-learner/scores-gatherer.ts';
import { AvroBody } from '../../../shared/domain/avro-writer.ts';
import type { ByteSpan } from '../../../shared/domain/byte-span.ts';
import type { Scores, TrainingEvents } from '../../../shared/domain/events.ts';
import { PackedSkimmer } from '../../../shared/domain/packed-events.ts';
import { schemaOf } from '../../../shared/events/codec.ts';
import { PackedTrainingEvents } from '../../../shared/events/packed-training-events.ts';
import { streamConfig, streamSpec } from './synthetic-stream.ts';

const TYPE = avro.Type.forSchema(schemaOf('training-events.v1'));
const SCORES = avro.Type.forSchema(schemaOf('scores.v1'));
const NAMES = streamSpec.features.map(({ name }) => name);
const PLACE = { model: 'clicks', shard: 0, shardKey: 'clicks#0', partition: 0 };

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', 'shop-1', 'Zürich', '東京', '🦔', 'x'.repeat(300), '\ufeffmark'),
);
const value = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, NaN, -0, 2 ** 53, 1e9),
);
const moment = fc.oneof(
  { weight: 9, arbitrary: fc.maxSafeNat().map((n) => Math.floor(n / 4096)) },
  { weight: 1, arbitrary: fc.constantFrom(0, 2 ** 52, 2 ** 53 - 2) },
);
const served = fc.record({
  predictionId: text,
  predictedAtMs: moment,
  planVersion: fc.nat(),
  assignedArm: fc.constantFrom('stable', 'candidate'),
  servedVersion: fc.nat(),
  assignmentProbability: fc.double({ min: 0, max: 1 }),
  scores: fc.array(
    fc.record({
      version: fc.nat(),
      score: fc.option(fc.double()),
      scoringMicros: fc.integer({ min: -1 }),
      failed: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
  labelledAtMs: fc.option(moment),
});
const event = fc.record({
  id: fc.oneof({ weight: 5, arbitrary: fc.uuid() }, { weight: 1, arbitrary: text }),
  eventTimeMs: fc.oneof(moment, fc.integer()),
  subject: text,
  features: fc.oneof(
    {
      weight: 8,
      arbitrary: fc.tuple(
        fc.oneof(text, fc.integer()),
        text,
        fc.option(fc.boolean()),
        fc.option(fc.double({ noNaN: true, min: -1e6, max: 1e6 })),
        fc.option(fc.double({ noNaN: true, min: -1e3, max: 1e3 })),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.array(value, { minLength: NAMES.length - 1, maxLength: NAMES.length + 1 }),
    },
  ),
  label: fc.constantFrom(0, 1, 1, 0, -0, 0.5),
  weight: fc.oneof(fc.constantFrom(1, 1, 1, 0, -1, 1000, 1001, NaN), fc.double({ min: 0.1, max: 10 })),
  labelSource: text,
  served: fc.option(served),
});
const record = fc.record({
  model: fc.constantFrom('clicks', 'fläche'),
  shard: fc.integer(),
  featureNames: fc.constantFrom(
    NAMES,
    [...NAMES].reverse(),
    [NAMES[0] ?? '', 'other', ...NAMES.slice(1, 4)],
    [...NAMES.slice(0, 4), NAMES[0] ?? ''],
  ),
  watermarkMs: fc.option(moment),
  events: fc.array(event, { maxLength: 6 }),
});

const skimmer = new PackedSkimmer();

const decodeEvents = ({ bytes, from, to }: ByteSpan): TrainingEvents['events'] =>
  (TYPE.fromBuffer(Buffer.from(bytes.subarray(from, to))) as TrainingEvents).events;

/** Returns a record as the codec hands it out with its events packed; undefined when it must be decoded. */
function packed(bytes: Uint8Array): PackedTrainingEvents | undefined {
  const header = skimmer.skim(bytes, 0);
  return header === null ? undefined : new PackedTrainingEvents(header, 0, decodeEvents);
}

/** Returns bytes as they come from Kafka: in one piece of memory, with something between them. */
function nearEachOther(values: readonly Uint8Array[]): Buffer[] {
  const whole = Buffer.concat(values.flatMap((value, index) => [Buffer.alloc(7 + index, 0xff), value]));
  let at = 0;
  return values.map(({ length }, index) => {
    at += 7 + index + length;
    return whole.subarray(at - length, at);
  });
}

/** A learner, everything it says of the records it applied, one by one or all together, and its bytes at the end. */
function outcomeOf(records: readonly TrainingEvents[], areTogether = false): object {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, streamConfig, { mode: 'cold' });
  learner.birth(3, { ...streamConfig, tableBits: 9 }, { mode: 'cold' });
  const gatherer = new ScoresGatherer(PLACE);
  const rows: unknown[] = [];
  const applier = new RecordApplier(
    learner,
    { ...SPEC, ...streamSpec },
    {
      begun: () => {
        gatherer.begin(learner.liveVersions);
      },
      ended: ({ value: one, source }) => {
        gatherer.end(one, source.offset);
      },
      scored: (example: ScoredExample) => {
        gatherer.add(example);
      },
      learned: (values) => rows.push([...values()]),
    },
  );
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

const SILENT = {
  begun: () => undefined,
  ended: () => undefined,
  scored: () => undefined,
  learned: () => undefined,
};

const SPEC = {
  name: 'clicks',
  task: 'binary-classification',
  shards: 1,
  label: { windowMs: 1000, onWindowEnd: 'drop', defaultLabel: 0 },
  learner: streamConfig,
  snapshots: { minIntervalMs: 5 },
  predictionLog: 'async',
} as const;

test('events read where they lie lead to the same state, scores, refusals and rows as decoded ones', () => {
  let kept = 0;
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 5 }), (records) => {
      const bytes = nearEachOther(records.map((one) => TYPE.toBuffer(one)));
      const decoded = bytes.map((one) => TYPE.fromBuffer(one) as TrainingEvents);
      const asKept = bytes.map((one, index) => packed(one) ?? decoded[index]);
      kept += asKept.filter((one) => one?.packed !== undefined).length;
      asKept.forEach((one, index) => {
        const { model, shard, featureNames, watermarkMs } = decoded[index] ?? assert.fail();
        assert.deepEqual(
          [one?.model, one?.shard, one?.featureNames, one?.watermarkMs],
          [model, shard, featureNames, watermarkMs],
        );
      });
      const expected = outcomeOf(decoded);
      const read = asKept.filter((one) => one !== undefined);
      assert.deepEqual(outcomeOf(read), expected);
      assert.deepEqual(outcomeOf(read, true), expected);
    }),
    { numRuns: 300 },
  );
  assert.ok(kept > 200, `${String(kept)} records were kept packed`);
});

test('records of many events are the same read where they lie, with repeats and unsound events between', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'x'.repeat(300));
  const one = fc.record({
    id: fc.nat(900).map(String),
    eventTimeMs: fc.maxSafeNat().map((n) => Math.floor(n / 4096)),
    subject: fc.constant('subject'),
    features: fc.tuple(names, names, fc.option(fc.boolean()), fc.nat(50), fc.constantFrom(1, 2, 3, 1e14)),
    label: fc.constantFrom(0, 1),
    weight: fc.constantFrom(1, 1, 1, 2, 2000),
    labelSource: fc.constant('test'),
    served: fc.constant(null),
  });
  fc.assert(
    fc.property(fc.array(fc.array(one, { minLength: 200, maxLength: 700 }), { maxLength: 3 }), (records) => {
      const bytes = nearEachOther(records.map(bytesOfRecord));
      const kept = bytes.map((whole) => packed(whole) ?? assert.fail());
      const decoded = bytes.map((whole) => TYPE.fromBuffer(whole) as TrainingEvents);
      const expected = outcomeOf(decoded);
      assert.deepEqual(outcomeOf(kept), expected);
      assert.deepEqual(outcomeOf(kept, true), expected);
    }),
    { numRuns: 15 },
  );
});

test('many small records are the same applied together and one by one, with repeats and unsound events between', () => {
  const names = fc.constantFrom('a', 'b', 'c', 'd', 'x'.repeat(300));
  const one = fc.record({
    id: fc.nat(400).map(String),
    features: fc.tuple(names, names, fc.option(fc.boolean()), fc.nat(50), fc.constantFrom(1, 2, 3, 1e14)),
    weight: fc.constantFrom(1, 1, 1, 2, 2000),
  });
  const records = fc.array(fc.array(one, { maxLength: 3 }), { minLength: 300, maxLength: 900 });
  fc.assert(
    fc.property(records, (given) => {
      const events = given.map((some) => some.map((more) => ({ ...plainEvent('id'), ...more })));
      const bytes = nearEachOther(events.map(bytesOfRecord));
      const kept = bytes.map((whole) => packed(whole) ?? assert.fail());
      assert.deepEqual(outcomeOf(kept, true), outcomeOf(kept));
    }),
    { numRuns: 15 },
  );
});

function bytesOfRecord(events: readonly object[]): Buffer {
  return TYPE.toBuffer({ model: 'clicks', shard: 0, featureNames: NAMES, watermarkMs: null, events });
}

/** Returns an event with nothing wrong. */
function plainEvent(id: string): object {
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

test('events that may be learned as they are, are not decoded', () => {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, streamConfig, { mode: 'cold' });
  const applier = new RecordApplier(learner, { ...SPEC, ...streamSpec });
  const bytes = bytesOfRecord([plainEvent('one')]);
  const header = skimmer.skim(bytes, 0) ?? assert.fail();
  const record = new PackedTrainingEvents(header, 0, () => assert.fail('decoded'));
  assert.equal(applier.apply(record, { offset: 0, timestampMs: 1 }).learned, 1);
});

test('a version that throws at events read where they lie is halted alone, and gives no score for any of them', () => {
  const learner = new ShardLearner(streamSpec);
  for (const version of [1, 2]) learner.birth(version, streamConfig, { mode: 'cold' });
  learner.learner(2).stepRows = () => {
    throw new Error('out of luck');
  };
  const scores: number[][] = [];
  const applier = new RecordApplier(
    learner,
    { ...SPEC, ...streamSpec },
    {
      ...SILENT,
      scored: (example) => scores.push([...example.scores.subarray(0, example.versions)]),
    },
  );
  const bytes = bytesOfRecord(['one', 'two'].map(plainEvent));
  const applied = applier.apply(packed(bytes) ?? assert.fail(), { offset: 7, timestampMs: 1 });
  assert.deepEqual(applied.halted, [{ version: 2, reason: 'out of luck' }]);
  assert.deepEqual([learner.haltedAt(1), learner.haltedAt(2)], [undefined, 0]);
  assert.deepEqual([applied.learned, applied.scored], [2, 2]);
  assert.deepEqual(
    scores.map(([first = NaN, second]) => [Number.isFinite(first), second]),
    [
      [true, NaN],
      [true, NaN],
    ],
  );
});

test('a version that throws is halted before the record at whose event it did, however many are applied together', () => {
  const learner = new ShardLearner(streamSpec);
  for (const version of [1, 2]) learner.birth(version, streamConfig, { mode: 'cold' });
  const failing = learner.learner(2);
  failing.stepRows = (rows) => {
    const { length } = rows;
    VersionLearner.prototype.stepRows.call(failing, rows.subarray(0, (length / 5) * 3), 3);
    throw new Error('out of luck');
  };
  const events = ['one', 'two', 'three', 'four', 'five'].map((id) => bytesOfRecord([plainEvent(id)]));
  const records = nearEachOther(events).map((bytes, index) => ({
    value: packed(bytes) ?? assert.fail(),
    source: { offset: 10 + 2 * index, timestampMs: 1 },
  }));
  const applied = new RecordApplier(learner, { ...SPEC, ...streamSpec }).applyAll(records, 0, 5);
  assert.equal(applied.learned, 5);
  assert.deepEqual([learner.haltedAt(1), learner.haltedAt(2)], [undefined, 15]);
  assert.equal(learner.position, 19);
});

test('what is taken as packed is a record to the schema’s own decoder, however the bytes were harmed', () => {
  fc.assert(
    fc.property(
      record,
      fc.array(fc.record({ at: fc.nat(), byte: fc.integer({ min: 0, max: 255 }) }), { maxLength: 3 }),
      fc.option(fc.nat(), { freq: 3 }),
      (one, harms, cut) => {
        const whole = Buffer.from(TYPE.toBuffer(one));
        for (const { at, byte } of harms) whole[at % whole.length] = byte;
        const bytes = cut === null ? whole : whole.subarray(0, cut % (whole.length + 1));
        const found = packed(bytes);
        if (found === undefined) return;
        const decoded = TYPE.fromBuffer(bytes) as TrainingEvents;
        assert.deepEqual(found.events, decoded.events);
        assert.deepEqual(outcomeOf([found]), outcomeOf([decoded]));
      },
    ),
    { numRuns: 1500 },
  );
});
