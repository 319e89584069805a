import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutDescription } from '../../../services/monitor/domain/rollout-description.ts';
import { RolloutEvidence } from '../../../services/monitor/domain/rollout-evidence.ts';
import { needsVersions } from '../../../services/monitor/domain/needs-versions.ts';
import type { ScoredEvent } from '../../../shared/domain/events.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { directoryWith, MODEL, PLAN, ROLLOUT } from './monitor-world.ts';
import { answered, batchOf, joinedRecord, scoresRecord } from './monitor-stream.ts';

const OF: RolloutDescription = {
  ...ROLLOUT,
  startPosition: 50,
  startedAtMs: 10_000,
  policy: { ...DEFAULT_ROLLOUT_POLICY, evidenceFrom: 'learner' },
  windowMs: 1000,
  isLabelledOnly: false,
  needsWarming: false,
};
const EVENT: ScoredEvent = {
  eventId: 'e',
  eventTimeMs: 5,
  label: 1,
  weight: 1,
  scores: [0.5, 0.6],
  served: false,
};
const WHERE = { versions: [1, 2], position: 60, recordTimeMs: 20_000 };

function examplesOf(event: Partial<ScoredEvent>, where: Partial<typeof WHERE> = {}): number {
  const evidence = new RolloutEvidence(OF);
  evidence.takeScored({ ...EVENT, ...event }, { ...WHERE, ...where });
  return evidence.examples;
}

test('the learner’s scores count for events that were no predictions, from the rollout’s beginning on', () => {
  assert.equal(examplesOf({}), 1);
  assert.equal(examplesOf({ served: true }), 0);
  assert.equal(examplesOf({}, { position: 49 }), 0);
  assert.equal(examplesOf({}, { recordTimeMs: 11_000 }), 0);
  assert.equal(examplesOf({ scores: [0.5, null] }), 1);
  assert.equal(examplesOf({ scores: [null, 0.5] }), 0);
  assert.equal(examplesOf({ scores: [0.5] }, { versions: [1] }), 0);
});

test('evidence comes from one source: served scores do not count where the learner’s do, and the other way round', () => {
  const [event] = joinedRecord([answered('0~a', { planVersion: PLAN })]).events;
  assert.ok(event !== undefined);
  const learner = new RolloutEvidence(OF);
  learner.takeTrainingEvent(event);
  assert.equal(learner.waiting.size, 0);
  const served = new RolloutEvidence({ ...OF, policy: DEFAULT_ROLLOUT_POLICY });
  served.takeScored(EVENT, WHERE);
  assert.equal(served.examples, 0);
  served.takeTrainingEvent(event);
  assert.equal(served.waiting.size, 1);
});

test('what is no label is no evidence', () => {
  for (const label of [Number.NaN, 0.5, 7]) assert.equal(examplesOf({ label }), 0);
  const evidence = new RolloutEvidence({ ...OF, policy: DEFAULT_ROLLOUT_POLICY });
  const [event] = joinedRecord([answered('0~a', { planVersion: PLAN })], { label: Number.NaN }).events;
  if (event !== undefined) evidence.takeTrainingEvent(event);
  assert.equal(evidence.waiting.size, 0);
});

test('predictions under a plan from before the rollout are no evidence', () => {
  const evidence = new RolloutEvidence({ ...OF, policy: DEFAULT_ROLLOUT_POLICY });
  const before = answered('0~a', { planVersion: PLAN - 1 });
  evidence.takePrediction(before);
  const [event] = joinedRecord([before]).events;
  if (event !== undefined) evidence.takeTrainingEvent(event);
  assert.deepEqual([evidence.requests, evidence.waiting.size], [0, 0]);
});

test('the version log is needed for an unknown model, for a newer plan, and for the learner’s scores where they are evidence', () => {
  const known = directoryWith(ROLLOUT);
  const predictions = (planVersion: number): ReturnType<typeof batchOf> =>
    batchOf([answered('0~a', { planVersion })]);
  assert.equal(needsVersions({ ...predictions(1), model: 'nobody' }, known), true);
  assert.equal(needsVersions(predictions(PLAN), known), false);
  assert.equal(needsVersions(predictions(PLAN + 1), known), true);
  const training = joinedRecord([answered('0~a', { planVersion: PLAN + 1 })]);
  assert.equal(needsVersions(training, known), true);
  const scores = scoresRecord(1, [0.5]);
  assert.equal(needsVersions(scores, known), false);
  const model = known.get(MODEL);
  assert.ok(model !== undefined);
  const learner = new Map([[MODEL, { ...model, spec: { ...model.spec, rollout: OF.policy } }]]);
  assert.equal(needsVersions(scores, learner), true);
});
