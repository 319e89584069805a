import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createRng } from '../../../shared/domain/rng.ts';
import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { LOSS_GAP_MAX } from '../../../services/monitor/domain/differences.ts';
import { SimulatedRollout, strictPolicy, WINDOW_STEPS } from '../../verify/verdicts/simulated-rollout.ts';
import type { SimulatedRequest } from '../../verify/verdicts/simulated-rollout.ts';
import { createWorld } from '../../verify/verdicts/synthetic-world.ts';

function near(found: number, expected: number, within = 1e-9): void {
  assert.ok(Math.abs(found - expected) <= within, `${String(found)}, expected ${String(expected)}`);
}

const GOOD: SimulatedRequest = {
  label: 1,
  baseline: 0.5,
  candidate: 0.9,
  baselineMicros: 100,
  candidateMicros: 100,
  subject: 's',
  isCandidateArm: false,
  share: 0,
  delaySteps: 0,
};

function streamOf(rollout: SimulatedRollout, name: string): StreamEvidence {
  const found = rollout
    .verdict()
    .evidence({})
    .streams.find((stream) => stream.name === name);
  assert.ok(found !== undefined, name);
  return found;
}

function run(
  count: number,
  request: (index: number) => SimulatedRequest,
  rollout = new SimulatedRollout(),
): SimulatedRollout {
  for (let index = 0; index < count; index += 1) rollout.take(request(index));
  return rollout;
}

test('stored and restored anywhere, a rollout’s evidence is that of an undisturbed one to the last bit', () => {
  fc.assert(
    fc.property(fc.nat(1000), fc.array(fc.nat(599), { maxLength: 3 }), (seed, breaks) => {
      const options = { isDelayTelling: true, isUnequal: true };
      const whole = run(600, createWorld(seed, options), new SimulatedRollout({ policy: strictPolicy() }));
      const broken = new SimulatedRollout({ policy: strictPolicy() });
      const world = createWorld(seed, options);
      for (let index = 0; index < 600; index += 1) {
        if (breaks.includes(index)) broken.restart();
        broken.take(world(index));
      }
      for (const rollout of [whole, broken]) rollout.finish();
      const [of, with_] = [broken, whole].map((one) => one.evidence.sections('r'));
      of?.forEach((section, index) => {
        assert.deepEqual(section.bytes(), with_?.[index]?.bytes(), section.name);
      });
      assert.deepEqual(broken.verdict().evidence({}), whole.verdict().evidence({}));
    }),
    { numRuns: 15 },
  );
});

test('the order in which labels arrive within their window leaves every verdict the same', () => {
  const verdicts = [1, 2, 3].map((order) => {
    const world = createWorld(9, { isDelayTelling: true });
    const rng = createRng(order);
    const rollout = new SimulatedRollout({ policy: strictPolicy() });
    run(700, (index) => ({ ...world(index), delaySteps: rng.int(WINDOW_STEPS + 1) }), rollout).finish();
    return rollout.verdict().evidence({});
  });
  assert.ok((verdicts[0]?.examples ?? 0) > 600);
  assert.deepEqual(verdicts[1], verdicts[0]);
  assert.deepEqual(verdicts[2], verdicts[0]);
});

test('a pair counts only when its label window has closed, however early its label came', () => {
  const counted = (requests: number): number[] => {
    const { evidence } = run(requests, () => GOOD);
    return [evidence.examples, evidence.waiting.size];
  };
  assert.deepEqual(counted(WINDOW_STEPS), [0, WINDOW_STEPS]);
  assert.deepEqual(counted(WINDOW_STEPS + 50), [49, WINDOW_STEPS + 1]);
});

test('where the delay of labels tells nothing, a pair counts when it comes', () => {
  const policy = { ...DEFAULT_ROLLOUT_POLICY, isLabelDelayIndependent: true };
  const rollout = run(60, () => GOOD, new SimulatedRollout({ policy }));
  assert.equal(rollout.evidence.examples, 60);
});

test('a failed score of the candidate is the worst difference in every stream, and counts as slow', () => {
  const rollout = run(600, (index) => ({ ...GOOD, candidate: null, baselineMicros: 100 + (index % 2) }));
  rollout.finish();
  for (const name of ['loss', 'failure', 'slowness']) assert.equal(streamOf(rollout, name).estimate, 1, name);
  assert.equal(streamOf(rollout, 'calibration').estimate, 2);
  near(streamOf(rollout, 'tail').estimate ?? NaN, LOSS_GAP_MAX);
});

test('rows of one run that fail together are one failure', () => {
  const failing = (index: number): SimulatedRequest => {
    const isFailed = index >= 600 && index < 640;
    return {
      ...GOOD,
      baseline: 0.88,
      candidate: isFailed ? null : 0.9,
      baselineMicros: isFailed ? 77 : 100 + (index % 2),
    };
  };
  const together = run(700, failing);
  together.finish();
  const apart = run(700, (index) => ({ ...failing(index), baselineMicros: 100 + (index % 50) }));
  apart.finish();
  assert.equal(apart.verdict().value, 'rollback');
  assert.equal(together.verdict().value, 'wait');
  assert.equal(together.evidence.examples, 700);
  near((streamOf(together, 'failure').estimate ?? 0) * streamOf(together, 'failure').count, 1);
  near(
    (streamOf(together, 'loss').estimate ?? 0) * streamOf(together, 'loss').count,
    1 - 660 * Math.log(0.9 / 0.88),
    1e-6,
  );
});

test('a score that is no probability has failed', () => {
  const rollout = run(300, (index) => ({
    ...GOOD,
    candidate: [Number.NaN, 1.5, -0.1, Infinity][index % 4] ?? null,
  }));
  rollout.finish();
  assert.equal(streamOf(rollout, 'loss').estimate, 1);
  assert.equal(streamOf(rollout, 'failure').estimate, 1);
});

test('pairs without a score of the baseline help nobody', () => {
  const rollout = run(900, () => ({ ...GOOD, baseline: null }));
  rollout.finish();
  const { count, promote, rollback } = streamOf(rollout, 'loss');
  assert.deepEqual([count, promote?.maxLogE, rollback?.maxLogE], [0, 0, 0]);
  assert.equal(rollout.evidence.examples, 0);
  assert.equal(rollout.verdict().value, 'wait');
});

test('a candidate that was not there to be asked is not to blame for it, and gains nothing by it', () => {
  const isAsked = (index: number): boolean => index % 10 !== 0;
  const rollout = run(3000, (index) => ({ ...GOOD, candidate: isAsked(index) ? 0.51 : undefined }));
  rollout.finish();
  const { rollback, promote } = streamOf(rollout, 'loss');
  assert.ok((rollback?.maxLogE ?? 1) < 1e-9);
  assert.ok((promote?.maxLogE ?? 9) < 0.1);
  assert.ok(rollout.evidence.unscored > 250);
  assert.equal(rollout.verdict().value, 'wait');
});

test('before any router has loaded the candidate nothing counts', () => {
  const rollout = run(400, () => ({ ...GOOD, candidate: undefined }));
  rollout.finish();
  assert.deepEqual([rollout.evidence.examples, rollout.evidence.unscored], [0, 0]);
});

test('no verdict without data promotes, in no phase', () => {
  for (const needsWarming of [true, false]) {
    for (const phase of ['warming', 'shadow', 'canary'] as const) {
      const rollout = new SimulatedRollout({ needsWarming });
      rollout.moveTo(phase);
      if (phase === 'warming' && !needsWarming) continue; // a copy is warm from the start
      assert.equal(rollout.verdict().value, 'wait', phase);
    }
  }
});

test('nothing but requests promotes nothing', () => {
  const policy = { ...DEFAULT_ROLLOUT_POLICY, shadowExamplesMin: 0, stepExamplesMin: 0 };
  const rollout = new SimulatedRollout({ policy });
  for (let index = 0; index < 80; index += 1) rollout.take(GOOD);
  assert.equal(rollout.verdict().value, 'wait');
});

test('a better candidate is promoted, and in a new stage only when that has its own examples', () => {
  const rollout = run(900, (index) => ({
    ...GOOD,
    label: index % 2 === 0 ? 1 : 0,
    candidate: index % 2 === 0 ? 0.98 : 0.02,
  }));
  assert.equal(rollout.verdict().value, 'promote');
  rollout.moveTo('canary');
  const { value, evidence } = rollout.verdict();
  assert.equal(value, 'wait');
  assert.deepEqual([evidence({}).stageExamples, evidence({}).examplesNeeded], [0, 200]);
  assert.match(evidence({}).because, /0 of 200 matured examples/);
});

test('one stream that is beyond its margin rolls back, whatever the others say', () => {
  const rollout = run(700, (index) => ({ ...GOOD, candidateMicros: 900 + (index % 7) }));
  const { value, evidence } = rollout.verdict();
  assert.equal(value, 'rollback');
  assert.match(evidence({}).because, /^slowness is shown to be above its margin of 0.05/);
});

test('the rows of one slow run are one observation of slowness', () => {
  const rowsOfARun = 24;
  const rollout = run(300 * rowsOfARun, (index) => {
    const runNumber = Math.floor(index / rowsOfARun);
    const isPause = runNumber >= 280 && runNumber < 283;
    return {
      ...GOOD,
      baselineMicros: 100 + (runNumber % 7),
      candidateMicros: isPause ? 5000 + runNumber : 100,
    };
  });
  const { count, estimate } = streamOf(rollout, 'slowness');
  assert.ok(count <= 300, String(count));
  assert.equal(estimate, 3 / count, 'three slow runs, not 72 slow requests');
  assert.notEqual(rollout.verdict().value, 'rollback');
});

test('a cold candidate’s loss is not judged while it warms, its failures are', () => {
  const policy = { ...DEFAULT_ROLLOUT_POLICY, warmingExamplesMin: 5000 };
  const bad = run(
    800,
    () => ({ ...GOOD, candidate: 0.1 }),
    new SimulatedRollout({ policy, needsWarming: true }),
  );
  assert.equal(bad.verdict().value, 'wait');
  assert.equal(streamOf(bad, 'loss').count, 0);
  run(30, (index) => ({ ...GOOD, candidate: null, baselineMicros: 100 + (index % 2) }), bad);
  assert.equal(bad.verdict().value, 'rollback');
});

test('answers from parameters that are too old roll back after twenty in a row', () => {
  const guards = { ...DEFAULT_ROLLOUT_POLICY.guards, stalenessMaxMs: 4 };
  const rollout = new SimulatedRollout({ policy: { ...DEFAULT_ROLLOUT_POLICY, guards } });
  run(19, () => ({ ...GOOD, isCandidateArm: true, share: 0.5 }), rollout);
  assert.equal(rollout.verdict().value, 'wait');
  run(1, () => ({ ...GOOD, isCandidateArm: true, share: 0.5 }), rollout);
  assert.match(rollout.verdict().evidence({}).because, /20 answers in a row .* older than 4 ms/);
});

test('a verdict says how many examples are likely needed and for how long', () => {
  const world = createWorld(4);
  const rollout = run(1500, (index) => {
    const request = world(index);
    const { baseline } = request;
    return { ...request, candidate: baseline === null ? 0.5 : baseline };
  });
  const { streams, waitMs, examplesNeeded, maturity } = rollout.verdict().evidence({});
  assert.ok(maturity > 0.9 && maturity < 1);
  const loss = streams.find(({ name }) => name === 'loss');
  assert.ok((loss?.examplesNeeded ?? -1) >= 0);
  assert.ok(examplesNeeded === null || (waitMs ?? -1) >= 0);
});

test('a prediction whose version was named, or whose arm a target named, is no evidence', () => {
  const { evidence } = new SimulatedRollout();
  const scores = [1, 2].map((version) => ({ version, score: 0.5, scoringMicros: 100, failed: false }));
  const served = {
    predictionId: '0~a',
    predictedAtMs: 1000,
    planVersion: 0,
    assignedArm: 'candidate',
    servedVersion: 2,
    assignmentProbability: 1,
    scores,
    labelledAtMs: 1000,
  } as const;
  evidence.takePrediction({
    ...served,
    id: '0~a',
    subject: 'a',
    features: [],
    position: 1,
    learnedToMs: null,
    stalenessMs: 0,
    latencyMicros: 0,
  });
  const event = { eventTimeMs: 1000, features: [], weight: 1, labelSource: 'label' };
  evidence.takeTrainingEvent({ ...event, id: '0~a', subject: 'a', label: 1, served });
  evidence.advanceWatermark(1e15);
  evidence.advanceWatermark(2e15);
  assert.deepEqual([evidence.requests, evidence.examples], [0, 0]);
});
