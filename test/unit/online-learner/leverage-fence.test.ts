import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LEVERAGE_COUNT_MIN,
  LEVERAGE_FACTOR_MAX,
} from '../../../services/online-learner/domain/leverage-fence.ts';
import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';
import { streamConfig } from './synthetic-stream.ts';

const spec = {
  features: ['a', 'b', 'c'].map((name) => ({ name, type: 'categorical' as const })),
  crosses: [],
};
/** With the bias, a norm of 2. */
const ROW: readonly FeatureValue[] = ['x', 'y', 'z'];
/** Small steps: weights of thousands must not make the update overflow. */
const config = { ...streamConfig, alpha: 1e-6 };

function learnerAfter(count: number, weight = 1): VersionLearner {
  const learner = VersionLearner.cold(spec, 1, config, 0);
  for (let i = 0; i < count; i++) learner.step(ROW, i % 2, weight);
  return learner;
}

test('a weight a million times the usual is refused with value and limit, and the largest that producers may give is learned', () => {
  const learner = learnerAfter(LEVERAGE_COUNT_MIN);
  assert.equal(learner.step(ROW, 1, LEVERAGE_FACTOR_MAX).screened, undefined);
  const { screened, fence } = learnerAfter(LEVERAGE_COUNT_MIN).step(ROW, 1, 1e6);
  assert.equal(screened, 'weight 1000000 gives it leverage 2.000e+6, allowed 4000, 2000 times the usual');
  assert.equal(fence, 'leverage');
});

test('the fence holds from the hundredth example on', () => {
  const learner = learnerAfter(LEVERAGE_COUNT_MIN - 1);
  assert.equal(learner.fences().leverageMax, null);
  assert.equal(learner.step(ROW, 1, 1e6).screened, undefined);
});

test('the fence follows a stream whose weights grow, and comes back when they fall', () => {
  const learner = learnerAfter(1000);
  for (let i = 0; i < 20_000; i++) learner.step(ROW, i % 2, 500);
  assert.equal(learner.step(ROW, 1, 100_000).screened, undefined);
  for (let i = 0; i < 400_000; i++) learner.step(ROW, i % 2, 1);
  assert.match(learner.step(ROW, 1, 100_000).screened ?? '', /allowed/);
});

test('examples of weight 0 move no fence', () => {
  const learner = learnerAfter(500);
  const { leverageMax } = learner.fences();
  for (let i = 0; i < 10_000; i++) learner.step(ROW, i % 2, 0);
  assert.equal(learner.fences().leverageMax, leverageMax);
});
