import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { reportOf } from '../../../services/monitor/domain/report.ts';
import type { Report } from '../../../services/monitor/domain/report.ts';
import type { Scores } from '../../../shared/domain/events.ts';
import { ShardMonitor } from '../../../services/monitor/domain/shard-monitor.ts';
import {
  answered,
  batchOf,
  bytesOfMonitor,
  joinedRecord,
  monitorStream,
  scoresRecord,
} from './monitor-stream.ts';

const START = { 'training-events.v1': 0, 'predictions.v1': 0, 'scores.v1': 0 };
const NO_LAG = START;

function restored(monitor: ShardMonitor): ShardMonitor {
  const bytes = bytesOfMonitor(monitor);
  return ShardMonitor.restore((name) => {
    const found = bytes.get(name);
    if (found === undefined) throw new RangeError(`no section ${name}`);
    return found;
  });
}

function versionOf(report: Report, version: number): Record<string, Record<string, unknown>> {
  const found = report.versions.find((one) => (one as { version: number }).version === version);
  return found as Record<string, Record<string, unknown>>;
}

test('stored and restored anywhere in a stream, the bytes are those of an uninterrupted run', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1000 }), fc.array(fc.nat(79), { maxLength: 4 }), (seed, breaks) => {
      const whole = new ShardMonitor(START);
      let broken = new ShardMonitor(START);
      monitorStream(80, seed).forEach((take, index) => {
        take(whole);
        if (breaks.includes(index)) broken = restored(broken);
        take(broken);
      });
      assert.deepEqual(bytesOfMonitor(broken), bytesOfMonitor(whole));
      assert.deepEqual(reportOf('clicks', restored(broken), NO_LAG), reportOf('clicks', whole, NO_LAG));
    }),
    { numRuns: 30 },
  );
});

test('predictions and events give the same bytes however they are put into records', () => {
  const predictions = Array.from({ length: 30 }, (_, index) => answered(`0~${String(index % 20)}`));
  const bytes = [1, 7, 30].map((size) => {
    const monitor = new ShardMonitor(START);
    for (let from = 0; from < predictions.length; from += size) {
      monitor.takePredictions(batchOf(predictions.slice(from, from + size)), 5000);
    }
    return bytesOfMonitor(monitor);
  });
  assert.deepEqual(bytes[1], bytes[0]);
  assert.deepEqual(bytes[2], bytes[0]);
});

test('a repeated prediction, event or score is counted and measured once', () => {
  const once = new ShardMonitor(START);
  const twice = new ShardMonitor(START);
  for (const [monitor, times] of [
    [once, 1],
    [twice, 2],
  ] as const) {
    for (let time = 0; time < times; time += 1) {
      monitor.takePredictions(batchOf([answered('0~a')]), 5000);
      monitor.takeTrainingEvents(joinedRecord([answered('0~a')]), 3, 6000);
      monitor.takeScores(scoresRecord(3, [0.5, 0.25]), 6000);
    }
  }
  const [first, second] = [once, twice].map((monitor) => reportOf('clicks', monitor, NO_LAG));
  assert.equal(second?.labels.repeated, 3);
  assert.deepEqual({ ...second, labels: { ...second.labels, repeated: 0 } }, first);
});

test('scores that a killed learner sends again are known after a restore', () => {
  let monitor = new ShardMonitor(START);
  for (const position of [1, 2, 3]) monitor.takeScores(scoresRecord(position, [0.5]), 6000);
  monitor = restored(monitor);
  for (const position of [2, 3, 4]) monitor.takeScores(scoresRecord(position, [0.5]), 6000);
  const report = reportOf('clicks', monitor, NO_LAG);
  assert.equal(versionOf(report, 1)['learner']?.['examples'], 4);
  assert.equal(report.labels.repeated, 2);
});

test('a training event that was no prediction is not measured', () => {
  const monitor = new ShardMonitor(START);
  const record = joinedRecord([answered('0~a')]);
  const events = record.events.map((event) => ({ ...event, served: null }));
  monitor.takeTrainingEvents({ ...record, events }, 0, 1000);
  const report = reportOf('clicks', monitor, NO_LAG);
  assert.deepEqual([report.labels.labelled, report.labels.defaulted, report.versions], [0, 0, []]);
});

test('restoring from bytes of another size names the section', () => {
  const bytes = bytesOfMonitor(new ShardMonitor(START));
  assert.throws(
    () =>
      ShardMonitor.restore((name) =>
        name === 'stable/latency' ? new Uint8Array(8) : (bytes.get(name) ?? new Uint8Array()),
      ),
    { name: 'RangeError', message: /stable\/latency/ },
  );
});

test('the report of nothing has no figures, and no NaN', () => {
  const report = reportOf('clicks', new ShardMonitor(START), NO_LAG);
  assert.deepEqual([report.watermarkMs, report.versions, report.freshnessMs.p50], [null, [], null]);
  assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
});

test('the report says what was answered, labelled and learned, by version and by arm', () => {
  const monitor = new ShardMonitor({ ...START, 'predictions.v1': 4 });
  const candidate = answered('0~b', {
    assignedArm: 'candidate',
    servedVersion: 2,
    latencyMicros: -1,
    stalenessMs: -1,
  });
  monitor.takePredictions(batchOf([answered('0~a'), candidate]), 5000);
  monitor.takeTrainingEvents(joinedRecord([answered('0~a')], { watermarkMs: 1500 }), 0, 6000);
  monitor.takeTrainingEvents(
    joinedRecord([candidate], { label: 0, labelledAtMs: null, watermarkMs: 900 }),
    1,
    6000,
  );
  monitor.takeScores(scoresRecord(0, [0.75, null]), 6000);
  const report = reportOf('clicks', monitor, { ...NO_LAG, 'scores.v1': 3 });
  assert.deepEqual(report.positions, { ...START, 'predictions.v1': 4 });
  assert.equal(report.lag['scores.v1'], 3);
  assert.equal(report.watermarkMs, 1500);
  assert.deepEqual(report.labels, { predictions: 2, labelled: 1, defaulted: 1, repeated: 0 });
  assert.deepEqual([report.labelDelayMs.count, report.labelDelayMs.mean], [1, 500]);
  assert.equal(report.stalenessMs.count, 1);
  assert.partialDeepStrictEqual(report.versions, [
    {
      version: 1,
      predictions: { served: 1, scored: 2, failed: 0 },
      learner: { examples: 1, accuracyRate: 1 },
      router: { examples: 2, accuracyRate: 0.5 },
    },
    { version: 2, predictions: { served: 1, scored: 0, failed: 2 }, router: { examples: 0, logLoss: null } },
  ]);
  assert.partialDeepStrictEqual(report.arms, [
    { arm: 'stable', predictions: 1, latencyMicros: { count: 1 }, answered: { examples: 1 } },
    { arm: 'candidate', predictions: 1, latencyMicros: { count: 0 }, answered: { examples: 0 } },
  ]);
});

test('scores that a crash cut elsewhere are taken once, run by run', () => {
  const monitor = new ShardMonitor(START);
  const of = (positions: readonly number[]): Scores => ({
    ...scoresRecord(positions.at(-1) ?? 0, [0.5]),
    events: positions.flatMap((position) => scoresRecord(position, [0.5]).events),
    runs: positions.map((position) => ({ position, events: 1 })),
  });
  monitor.takeScores(of([1, 2, 3]), 6000);
  monitor.takeScores(of([1, 2, 3, 4, 5]), 6000);
  assert.equal(monitor.version(1).learner.summary().examples, 5);
});
