import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LEVERAGE_COUNT_MIN,
  LEVERAGE_FACTOR_MAX,
  LeverageFence,
} from '../../../services/online-learner/domain/leverage-fence.ts';

/** A fence after examples of a weight, each with a row of norm 2. */
function fenceAfter(count: number, weight = 1): LeverageFence {
  const fence = new LeverageFence();
  for (let i = 0; i < count; i++) fence.learn(weight, 4);
  return fence;
}

test('a weight a million times the usual is refused with value and limit, and the largest that producers may give is learned', () => {
  const fence = fenceAfter(LEVERAGE_COUNT_MIN);
  assert.equal(fence.screen(LEVERAGE_FACTOR_MAX, 4), undefined);
  assert.equal(
    fence.screen(1e6, 4),
    'weight 1000000 gives it leverage 2.000e+6, allowed 4000, 2000 times the usual',
  );
});

test('a row whose norm is far from the usual is refused like a weight', () => {
  const fence = fenceAfter(LEVERAGE_COUNT_MIN);
  assert.match(fence.screen(1, 4 * 2001 ** 2) ?? '', /leverage 4002/);
});

test('the fence holds from the hundredth example on', () => {
  assert.equal(fenceAfter(LEVERAGE_COUNT_MIN - 1).screen(1e6, 4), undefined);
  assert.equal(fenceAfter(LEVERAGE_COUNT_MIN - 1).limit, Infinity);
});

test('the fence follows a stream whose weights grow, and comes back when they fall', () => {
  const fence = fenceAfter(1000);
  for (let i = 0; i < 20_000; i++) fence.learn(500, 4);
  assert.equal(fence.screen(100_000, 4), undefined);
  for (let i = 0; i < 400_000; i++) fence.learn(1, 4);
  assert.match(fence.screen(100_000, 4) ?? '', /allowed/);
});

test('examples of weight 0 move no fence', () => {
  const fence = fenceAfter(500);
  const { limit } = fence;
  for (let i = 0; i < 10_000; i++) fence.learn(0, 4);
  assert.equal(fence.limit, limit);
});

test('restored from its bytes it goes on bit-identically', () => {
  const [one, other] = [fenceAfter(300, 3), new LeverageFence()];
  other.restore(one.bytes().slice(), 'fence');
  for (let i = 1; i < 300; i++) {
    one.learn(i, i);
    other.learn(i, i);
  }
  assert.deepEqual(other.bytes(), one.bytes());
});
