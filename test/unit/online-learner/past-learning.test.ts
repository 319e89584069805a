import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { learnPast } from '../../../services/online-learner/past-learning.ts';
import type { LearnerPorts, PastRecords } from '../../../services/online-learner/ports.ts';
import { replayPorts } from '../../../deploy/demo/replay-ports.ts';
import type { TrainingEvents } from '../../../shared/domain/events.ts';
import type { ModelState, VersionState } from '../../../shared/domain/model-directory.ts';
import { parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';

const RECORDS = 600;
/** What learning one record takes on the clock of the test, ms. */
const RECORD_MS = 0.7;

function model(): { state: ModelState; version: VersionState } {
  const parsed = parseModelSpec('{"name": "past", "features": [{"name": "colour", "type": "categorical"}]}');
  assert.ok(parsed.ok);
  const version: VersionState = {
    version: 2,
    parent: null,
    mode: 'history',
    learner: parsed.value.learner,
    life: 'registered',
    isApproved: false,
    startPosition: 0,
    bornPosition: null,
    resumeSequence: 0,
    registeredAtMs: 0,
  };
  const plan = {
    model: 'past',
    planVersion: 1,
    stable: 1,
    candidate: null,
    candidateWeightBp: 0,
    shadows: [],
    salt: '',
  };
  const state: ModelState = {
    spec: parsed.value,
    createdAtMs: 0,
    versions: [version],
    plan,
    milestoneSequence: 0,
    repositioned: null,
    rollout: null,
    queued: [],
  };
  return { state, version };
}

function record(offset: number): TrainingEvents {
  return {
    model: 'past',
    shard: 0,
    featureNames: ['colour'],
    watermarkMs: null,
    events: [
      {
        id: `event-${String(offset)}`,
        eventTimeMs: offset,
        subject: 'somebody',
        features: [offset % 2 === 0 ? 'red' : 'blue'],
        label: offset % 2,
        weight: 1,
        labelSource: 'event',
        served: null,
      },
    ],
  };
}

test('learning the past takes at most a quarter of the time, in stretches of a few milliseconds', async () => {
  let nowMs = 0;
  let pausedMs = 0;
  let longestStretchMs = 0;
  let resumedAtMs = 0;
  const { state, version } = model();
  const ports: LearnerPorts = {
    ...replayPorts.learner,
    monotonicMs: () => nowMs,
    pause: async (ms) => {
      longestStretchMs = Math.max(longestStretchMs, nowMs - resumedAtMs);
      pausedMs += ms;
      nowMs += ms;
      resumedAtMs = nowMs;
      await turn();
    },
    async *readPast(_partition, from, to): AsyncGenerator<PastRecords> {
      for (let at = from; at < to; at += 100) {
        await turn();
        const end = Math.min(at + 100, to);
        const offsets = Array.from({ length: end - at }, (_, index) => at + index);
        const records = {
          *[Symbol.iterator]() {
            for (const offset of offsets) {
              nowMs += RECORD_MS;
              yield { value: record(offset), offset, timestampMs: offset };
            }
          },
        };
        yield { records: records as unknown as PastRecords['records'], nextOffset: end };
      }
    },
  };
  const learning = learnPast({
    model: state,
    place: { model: 'past', shard: 0, shardKey: 'past#0', partition: 0 },
    version,
    present: () => RECORDS,
    ports,
    onImpossible: (reason) => {
      assert.fail(reason);
    },
  });
  while (!learning.isClose()) await turn();
  const taught = await learning.finish(RECORDS);
  learning.stop();
  assert.equal(taught.position, RECORDS);
  assert.equal(taught.learner(2).examplesLearned, RECORDS);
  assert.ok(longestStretchMs <= 2 + 2 * RECORD_MS, `${String(longestStretchMs)} ms at a stretch`);
  const untilClose = RECORDS - 256; // the rest is learned while the others wait
  assert.ok(pausedMs >= 3 * RECORD_MS * untilClose * 0.95, `paused ${String(pausedMs)} ms`);
});
