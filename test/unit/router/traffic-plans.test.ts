import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasLapsed, withPlan } from '../../../services/router/domain/traffic-plans.ts';
import type { HeldPlan, Hearing, TrafficPlans } from '../../../services/router/domain/traffic-plans.ts';
import type { PublishedTrafficPlan } from '../../../shared/domain/events.ts';

const plan: PublishedTrafficPlan = {
  model: 'clicks',
  planVersion: 9,
  stable: 1,
  candidate: 2,
  candidateWeightBp: 100,
  shadows: [],
  salt: 's',
  publishedAtMs: 50_000,
  leaseMs: 3000,
};
const live: Hearing = { nowMs: 50_001, monotonicMs: 1000, isPast: false };

function held(given: Partial<PublishedTrafficPlan>, heard: Partial<Hearing> = {}): HeldPlan {
  const plans = withPlan(new Map(), { ...plan, ...given }, { ...live, ...heard });
  return plans.get('clicks') ?? assert.fail();
}

test('the newest plan of each model wins, in whatever order they come', () => {
  const empty: TrafficPlans = new Map();
  const plans = [7, 9, 8, 9].reduce(
    (known, planVersion) => withPlan(known, { ...plan, planVersion }, live),
    empty,
  );
  assert.equal(plans.get('clicks')?.planVersion, 9);
  const other = withPlan(plans, { ...plan, model: 'fraud', planVersion: 1 }, live);
  assert.deepEqual([...other.keys()], ['clicks', 'fraud']);
  assert.equal(withPlan(plans, plan, live), plans);
});

test('a lease counts from when the plan was heard, by the monotonic clock alone', () => {
  const one = held({}, { nowMs: 9_999_999 }); // a wall clock that is off changes nothing
  assert.equal(hasLapsed(one, 3999), false);
  assert.equal(hasLapsed(one, 4000), true);
});

test('of a plan that lay on the topic before, what its time stamp leaves of the lease counts', () => {
  const lapsesAt = (nowMs: number): number => held({}, { nowMs, isPast: true }).leaseEndsMs - 1000;
  assert.deepEqual([50_000, 51_000, 53_000, 90_000, 40_000].map(lapsesAt), [3000, 2000, 0, 0, 3000]);
});

test('the same plan published again renews the lease; read again it does not', () => {
  const first = new Map([['clicks', held({})]]);
  const again = withPlan(first, plan, { ...live, monotonicMs: 2000 });
  assert.equal(again, first);
  const renewed = withPlan(first, { ...plan, publishedAtMs: 51_000 }, { ...live, monotonicMs: 2000 });
  assert.equal(renewed.get('clicks')?.leaseEndsMs, 5000);
});

test('a plan without a lease, or without a candidate, never lapses', () => {
  assert.equal(hasLapsed(held({ leaseMs: 0 }), 1e15), false);
  assert.equal(hasLapsed(held({ candidate: null }), 1e15), false);
});
