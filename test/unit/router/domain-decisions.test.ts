import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assignSubject,
  isServing,
  pinTo,
  plannedVersions,
} from '../../../services/router/domain/assign-subject.ts';
import type { Asker, ServingPlan } from '../../../services/router/domain/assign-subject.ts';
import { predictionBytes } from '../../../services/router/domain/prediction-bytes.ts';
import { parityFault, PARITY_TOLERANCE } from '../../../services/router/domain/parity.ts';
import { parseSnapshotKey } from '../../../services/router/domain/snapshot-key.ts';
import type { HeldPlan } from '../../../services/router/domain/traffic-plans.ts';
import { unreadyStables } from '../../../services/router/domain/waits-for.ts';
import { bucketOf } from '../../../shared/domain/assignment.ts';
import type { FeatureSpec, FeatureValue } from '../../../shared/domain/model-spec.ts';
import { recordLength } from '../../../shared/domain/split-by-size.ts';
import { snapshotKey } from '../../../shared/events/topics.ts';

const plan: ServingPlan = {
  model: 'clicks',
  planVersion: 7,
  stable: 1,
  candidate: 2,
  candidateWeightBp: 2500,
  shadows: [3],
  salt: 's',
};
const subjects = Array.from({ length: 50 }, (_, i) => `subject-${String(i)}`);
const forCandidate = subjects.find((subject) => bucketOf('s', subject) < 2500) ?? '';
const forStable = subjects.find((subject) => bucketOf('s', subject) >= 2500) ?? '';
const ready = (): boolean => true;

const features: readonly FeatureSpec[] = [
  { name: 'country', type: 'categorical' },
  { name: 'isNew', type: 'boolean' },
];

function asking(subject: string, row: readonly FeatureValue[] = [null, null]): Asker {
  return { subject, row, features };
}

test('a subject below the weight gets the candidate with the weight as probability, others stable with the rest', () => {
  assert.deepEqual(assignSubject(plan, asking(forCandidate), ready), {
    arm: 'candidate',
    version: 2,
    isDirected: false,
    probability: 0.25,
  });
  assert.deepEqual(assignSubject(plan, asking(forStable), ready), {
    arm: 'stable',
    version: 1,
    isDirected: false,
    probability: 0.75,
  });
});

test('without a candidate everybody gets stable with probability 1', () => {
  const alone = { ...plan, candidate: null, candidateWeightBp: 0 };
  assert.deepEqual(assignSubject(alone, asking(forCandidate), ready), {
    arm: 'stable',
    version: 1,
    isDirected: false,
    probability: 1,
  });
});

test('a subject of a candidate that is not ready keeps its arm, is served by stable, and had probability 0', () => {
  const onlyStable = (version: number): boolean => version === 1;
  assert.deepEqual(assignSubject(plan, asking(forCandidate), onlyStable), {
    arm: 'candidate',
    version: 1,
    isDirected: false,
    probability: 0,
  });
  assert.deepEqual(assignSubject(plan, asking(forStable), onlyStable), {
    arm: 'stable',
    version: 1,
    isDirected: false,
    probability: 0.75,
  });
});

test('a pinned request has probability 1 and the arm of its version', () => {
  assert.deepEqual(pinTo(plan, 2), { arm: 'candidate', version: 2, isDirected: true, probability: 1 });
  assert.deepEqual(pinTo(plan, 3), { arm: 'stable', version: 3, isDirected: true, probability: 1 });
});

test('the first target that fits decides, by subject or by the value of a feature, and is no chance', () => {
  const targeted: ServingPlan = {
    ...plan,
    targets: [
      { arm: 'stable', subjects: [], feature: 'country', values: ['de', '17'] },
      { arm: 'candidate', subjects: [forStable], feature: null, values: [] },
      { arm: 'candidate', subjects: [], feature: 'isNew', values: ['true'] },
    ],
  };
  const armOf = (subject: string, row?: readonly FeatureValue[]): unknown => {
    const { arm, version, isDirected, probability } = assignSubject(targeted, asking(subject, row), ready);
    return [arm, version, isDirected, probability];
  };
  assert.deepEqual(armOf(forCandidate, ['de', true]), ['stable', 1, true, 1]);
  assert.deepEqual(armOf(forCandidate, [17, null]), ['stable', 1, true, 1]);
  assert.deepEqual(armOf(forStable), ['candidate', 2, true, 1]);
  assert.deepEqual(armOf('whoever', ['fr', true]), ['candidate', 2, true, 1]);
  assert.deepEqual(armOf(forCandidate, ['fr', false]), ['candidate', 2, false, 0.25]);
  assert.deepEqual(
    assignSubject(targeted, asking(forStable), (version) => version === 1),
    { arm: 'candidate', version: 1, isDirected: true, probability: 0 },
  );
  const alone = { ...targeted, candidate: null };
  assert.equal(assignSubject(alone, asking(forStable), ready).isDirected, false);
});

test('a plan serves when it has a stable version; its versions are each named once', () => {
  assert.equal(isServing(undefined), false);
  assert.equal(isServing({ ...plan, stable: null }), false);
  assert.equal(isServing(plan), true);
  assert.deepEqual(plannedVersions({ ...plan, shadows: [1, 3] }), [1, 2, 3]);
  assert.deepEqual(plannedVersions({ ...plan, stable: null, candidate: null, shadows: [] }), []);
});

test('the router waits for every stable version that is not ready, and for nothing else', () => {
  const held: HeldPlan = { ...plan, publishedAtMs: 0, leaseEndsMs: Infinity };
  const plans = new Map<string, HeldPlan>([
    ['clicks', held],
    ['fraud', { ...held, model: 'fraud', stable: 4 }],
    ['new', { ...held, model: 'new', stable: null }],
  ]);
  const reasonOf = (model: string): string | undefined => (model === 'fraud' ? 'no snapshot yet' : undefined);
  assert.deepEqual(unreadyStables(plans, reasonOf), ['fraud version 4: no snapshot yet']);
});

const PARITY: readonly {
  readonly name: string;
  readonly scores: readonly number[];
  readonly golden: readonly number[];
  readonly fault: RegExp | undefined;
}[] = [
  { name: 'equal scores', scores: [0.5, 0.25], golden: [0.5, 0.25], fault: undefined },
  {
    name: 'scores within the tolerance',
    scores: [0.5 + PARITY_TOLERANCE * 0.99],
    golden: [0.5],
    fault: undefined,
  },
  {
    name: 'a score beyond the tolerance',
    scores: [0.5, 0.5 + PARITY_TOLERANCE * 1.01],
    golden: [0.5, 0.5],
    fault: /golden row 1 scores 0\.5001/,
  },
  { name: 'a NaN of ours', scores: [NaN], golden: [0.5], fault: /scores NaN/ },
  { name: 'a NaN of the learner', scores: [0.5], golden: [NaN], fault: /says NaN/ },
  { name: 'no rows', scores: [], golden: [], fault: /no golden rows/ },
  { name: 'fewer scores than rows', scores: [0.5], golden: [0.5, 0.5], fault: /2 golden scores for 1 rows/ },
];

for (const { name, scores, golden, fault } of PARITY) {
  test(`parity of ${name} is ${fault === undefined ? 'given' : 'not given'}`, () => {
    const found = parityFault(scores, golden);
    if (fault === undefined) assert.equal(found, undefined);
    else assert.match(found ?? '', fault);
  });
}

test('snapshot keys are read as they are written', () => {
  assert.deepEqual(parseSnapshotKey(snapshotKey('clicks#0', 3, 'full')), {
    model: 'clicks',
    version: 3,
    isHead: true,
  });
  for (const kind of ['delta', 'step'] as const)
    assert.deepEqual(parseSnapshotKey(snapshotKey('clicks#0', 3, kind)), {
      model: 'clicks',
      version: 3,
      isHead: true,
    });
  assert.deepEqual(parseSnapshotKey(snapshotKey('clicks#0', 3, 'full', 2)), {
    model: 'clicks',
    version: 3,
    isHead: false,
  });
  for (const key of ['', 'clicks#0', 'clicks#0/3/other', 'clicks#0/0/full', 'Clicks#0/1/full']) {
    assert.equal(parseSnapshotKey(key), undefined, key);
  }
});

test('a record of predictions ends at its limit of items or bytes, but holds one', () => {
  const items = [10, 10, 50, 10];
  const sizeOf = (bytes: number): number => bytes;
  assert.equal(recordLength(items, sizeOf, { itemsMax: 10, bytesMax: 1000 }), 4);
  assert.equal(recordLength(items, sizeOf, { itemsMax: 3, bytesMax: 1000 }), 3);
  assert.equal(recordLength(items, sizeOf, { itemsMax: 10, bytesMax: 69 }), 2);
  assert.equal(recordLength(items, sizeOf, { itemsMax: 10, bytesMax: 1 }), 1);
  assert.ok(predictionBytes('€'.repeat(256), ['€'.repeat(256), 1, null]) > 4 * 3 * 128);
});
