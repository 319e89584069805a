import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WantedTraffic } from '../../../services/registry/domain/commands.ts';
import { planTraffic } from '../../../services/registry/domain/plan-traffic.ts';
import { planOf } from '../../../services/registry/domain/rollout/plan-of.ts';
import type { TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState } from '../../../shared/domain/rollout.ts';
import { ask, worldWithVersions } from './registry-world.ts';

const world = await worldWithVersions(3);
await world.record(ask.register());
const model = world.model();

function plan(
  wanted: Partial<WantedTraffic>,
  of: ModelState = model,
  seen = of.plan.planVersion,
): TrafficPlan | string {
  const defaults = {
    stable: null,
    candidate: null,
    candidateWeightBp: 0,
    shadows: undefined,
    salt: undefined,
  };
  const planned = planTraffic(of, { ...defaults, ...wanted }, seen);
  return 'plan' in planned ? planned.plan : `${planned.refusal.kind}: ${planned.refusal.message}`;
}

/** Returns why a plan is refused. */
function words(...args: Parameters<typeof plan>): string {
  const planned = plan(...args);
  return typeof planned === 'string' ? planned : 'planned';
}

const REFUSED: readonly [string, Partial<WantedTraffic>, RegExp][] = [
  ['a candidate without stable', { candidate: 1 }, /^invalid: candidate without stable/],
  ['one version as both', { stable: 1, candidate: 1 }, /^invalid: candidate 1 is the stable version/],
  [
    'a weight without a candidate',
    { stable: 1, candidateWeightBp: 5 },
    /^invalid: candidateWeightBp 5, allowed 0/,
  ],
  ['a weight above the whole', { stable: 1, candidate: 2, candidateWeightBp: 10_001 }, /allowed 0 … 10000/],
  ['a negative weight', { stable: 1, candidate: 2, candidateWeightBp: -1 }, /allowed 0 … 10000/],
  ['a version that does not exist', { stable: 9 }, /^not-found: stable 9: model clicks has no such version/],
  [
    'a version that has not begun',
    { stable: 1, candidate: 4 },
    /^conflict: candidate 4: the version is not live/,
  ],
  [
    'a shadow that has not begun',
    { stable: 1, shadows: [4] },
    /^conflict: shadow 4: the version is not live/,
  ],
];
const target = { arm: 'candidate', subjects: [], feature: null, values: [] } as const;
const BAD_TARGETS: readonly [string, Partial<typeof target> | object, RegExp][] = [
  ['that lists nothing', {}, /targets\[0\]: no subjects, and no feature/],
  ['with values and no feature', { values: ['a'] }, /targets\[0\]\.values: without a feature/],
  [
    'with a feature and subjects',
    { feature: 'colour', subjects: ['a'] },
    /subjects: with a feature, allowed values/,
  ],
  ['with a feature and no values', { feature: 'colour' }, /values: none for feature colour/],
  ['of an unknown feature', { feature: 'shoop', values: ['a'] }, /shoop is not a feature/],
  ['of a number', { feature: 'amount', values: ['1'] }, /amount is numeric, allowed categorical or boolean/],
  [
    'with too many subjects',
    { subjects: Array.from({ length: 1001 }, String) },
    /list 1001 subjects and values/,
  ],
];
const numeric = { name: 'amount', type: 'numeric' } as const;
const withNumber = { ...model, spec: { ...model.spec, features: [...model.spec.features, numeric] } };
for (const [what, change, reason] of BAD_TARGETS) {
  test(`a target ${what} is refused`, () =>
    assert.match(words({ stable: 1, targets: [{ ...target, ...change }] }, withNumber), reason));
}

test('targets stay until others are given, through a rollout as well', () => {
  const targets = [{ ...target, subjects: ['ada'] }];
  const given = plan({ stable: 1, targets });
  assert.ok(typeof given !== 'string');
  assert.deepEqual(given.targets, targets);
  const kept = plan({ stable: 2 }, { ...model, plan: given });
  assert.ok(typeof kept !== 'string');
  assert.deepEqual(kept.targets, targets);
  const emptied = plan({ stable: 2, targets: [] }, { ...model, plan: given });
  assert.ok(typeof emptied !== 'string');
  assert.deepEqual(emptied.targets, []);
  const rollout = { rolloutId: 'r', phase: 'canary', step: 0, candidate: 2, stable: 1, baseline: 1 };
  assert.deepEqual(planOf(rollout as RolloutState, given, DEFAULT_ROLLOUT_POLICY).targets, targets);
});

for (const [what, wanted, reason] of REFUSED) {
  test(`${what} is refused`, () => assert.match(words(wanted), reason));
}

test('a plan on another one than the operator has seen is refused', () => {
  assert.match(
    words({ stable: 1 }, model, 3),
    /^precondition-failed: the plan is version \d+, If-Match names 3/,
  );
});

test('a version without approval gets no traffic but may be a shadow', () => {
  const versions = model.versions.map((one) => ({ ...one, isApproved: one.version !== 2 }));
  const unapproved = { ...model, versions };
  assert.equal(plan({ stable: 2 }, unapproved), 'conflict: stable 2: the version is not approved');
  assert.equal(typeof plan({ stable: 1, shadows: [2] }, unapproved), 'object');
});

test('a retired version takes no part', () => {
  const versions = model.versions.map((one) =>
    one.version === 2 ? { ...one, life: 'retired' as const } : one,
  );
  for (const wanted of [{ stable: 2 }, { stable: 1, candidate: 2 }, { stable: 1, shadows: [2] }]) {
    assert.match(words(wanted, { ...model, versions }), /^conflict: .* 2: the version is retired$/);
  }
});

test('shadows are every other live version unless named, each once, in order', () => {
  const shadowsOf = (wanted: Partial<WantedTraffic>): unknown => (plan(wanted) as TrafficPlan).shadows;
  assert.deepEqual(shadowsOf({ stable: 2 }), [1, 3]);
  assert.deepEqual(shadowsOf({ stable: 2, candidate: 1 }), [3]);
  assert.deepEqual(shadowsOf({ stable: 2, shadows: [3, 2, 3, 1] }), [1, 3]);
  assert.deepEqual(shadowsOf({ stable: 2, shadows: [] }), []);
});

test('a salt stays with its candidate, and every rollout has its own, whatever the length of the model’s name', () => {
  for (const name of ['clicks', `m${'x'.repeat(62)}`]) {
    const named = { ...model, spec: { ...model.spec, name } };
    const first = plan({ stable: 1, candidate: 2 }, named) as TrafficPlan;
    const running = { ...named, plan: { ...first, planVersion: 100 } };
    assert.equal(
      (plan({ stable: 1, candidate: 2, candidateWeightBp: 500 }, running) as TrafficPlan).salt,
      first.salt,
    );
    const other = plan({ stable: 1, candidate: 3 }, running) as TrafficPlan;
    assert.notEqual(other.salt, first.salt);
    const ended = { ...named, plan: { ...(plan({ stable: 1 }, running) as TrafficPlan), planVersion: 101 } };
    assert.notEqual((plan({ stable: 1, candidate: 2 }, ended) as TrafficPlan).salt, first.salt);
    assert.ok(first.salt.length <= 64);
  }
  assert.equal((plan({ stable: 1, candidate: 2, salt: 'given' }) as TrafficPlan).salt, 'given');
});
