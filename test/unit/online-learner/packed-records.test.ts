import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordApplier } from '../../../services/online-learner/domain/apply-record.ts';
import { ShardLearner } from '../../../services/online-learner/domain/shard-learner.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import type { TrainingEvents } from '../../../shared/domain/events.ts';
import { PackedTrainingEvents } from '../../../shared/events/packed-training-events.ts';
import {
  bytesOfRecord,
  NAMES,
  nearEachOther,
  outcomeOf,
  packed,
  plainEvent,
  SILENT,
  skimmer,
  TYPE,
} from './packed-support.ts';
import { streamConfig, streamModel, streamSpec } from './synthetic-stream.ts';

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

test('events that may be learned as they are, are not decoded', () => {
  const learner = new ShardLearner(streamSpec);
  learner.birth(1, streamConfig, { mode: 'cold' });
  const applier = new RecordApplier(learner, streamModel);
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
  const applier = new RecordApplier(learner, streamModel, {
    ...SILENT,
    scored: (example) => scores.push([...example.scores.subarray(0, example.versions)]),
  });
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
  const applied = new RecordApplier(learner, streamModel).applyAll(records, 0, 5);
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
