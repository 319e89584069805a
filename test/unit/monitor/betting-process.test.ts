import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BettingProcess } from '../../../services/monitor/domain/betting-process.ts';
import { createRng } from '../../../shared/domain/rng.ts';

/** The same process written down plainly, in products instead of logarithms. */
function plainProcess(
  differences: readonly number[],
  bound: number,
  margin: number,
): { e: number; max: number } {
  const kept = 2 ** (-1 / 300);
  const m = (margin + bound) / (2 * bound);
  const purse = (openings: number): number => 0.1 / Math.log2(openings + 2);
  let [stake, weight, sum, squares, max] = [0.9, 1, 0.5, 0.25, 1];
  differences.forEach((difference, index) => {
    const x = (difference + bound) / (2 * bound);
    const mean = sum / weight;
    const variance = squares / weight;
    const bet = mean > m ? Math.min((mean - m) / (variance + (mean - m) ** 2), 0.98 / m) : 0;
    const count = index + 1;
    if (count % 64 === 0) stake += purse(count / 64 - 1) - purse(count / 64);
    stake *= 1 + bet * (x - m);
    max = Math.max(max, stake + purse(Math.floor(count / 64)));
    sum = kept * sum + x;
    weight = kept * weight + 1;
    squares = kept * squares + (x - sum / weight) ** 2;
  });
  return { e: stake + purse(Math.floor(differences.length / 64)), max };
}

function after(differences: readonly number[], margin = 0.01, bound = 1): BettingProcess {
  const process = new BettingProcess({ bound, margin });
  for (const difference of differences) process.take(difference);
  return process;
}

function noisy(count: number, mean: number, seed: number): number[] {
  const rng = createRng(seed);
  return Array.from({ length: count }, () => mean + 0.4 * (rng.next() - 0.5));
}

test('the first bets are those computed by hand', () => {
  const process = new BettingProcess({ bound: 1, margin: 0 });
  assert.ok(Math.abs(process.logE) < 1e-15);
  process.take(1); // nothing is known yet: the mean is believed to be the margin's, no bet
  assert.ok(Math.abs(process.logE) < 1e-15);
  process.take(1);
  const kept = 2 ** (-1 / 300);
  const [weight, sum] = [kept + 1, kept * 0.5 + 1];
  const mean = sum / weight;
  const variance = (kept * 0.25 + (1 - mean) ** 2) / weight;
  const bet = (mean - 0.5) / (variance + (mean - 0.5) ** 2);
  assert.ok(Math.abs(process.logE - Math.log(0.9 * (1 + bet * 0.5) + 0.1)) < 1e-12);
});

test('logarithms give what products give', () => {
  for (const [mean, seed] of [
    [0.05, 1],
    [-0.05, 2],
    [0.01, 3],
  ] as const) {
    const differences = noisy(1500, mean, seed);
    const { e, max } = plainProcess(differences, 1, 0.01);
    const process = after(differences);
    assert.ok(
      Math.abs(process.logE - Math.log(e)) < 1e-9,
      `${String(process.logE)} for ${String(Math.log(e))}`,
    );
    assert.ok(Math.abs(process.maxLogE - Math.log(max)) < 1e-9);
  }
});

test('the highest value stays when the evidence goes', () => {
  const process = after([...noisy(400, 0.1, 5), ...noisy(4000, -0.02, 6)]);
  const { maxLogE } = process;
  assert.ok(maxLogE > 3);
  for (const difference of noisy(500, 0.012, 7)) process.take(difference);
  assert.ok(process.logE < maxLogE);
  assert.equal(process.maxLogE, maxLogE);
});

test('a long quiet time does not hold up the alarm: the logarithm never falls far below zero', () => {
  const process = after(noisy(200_000, 0.01, 8));
  assert.ok(process.logE > -5, String(process.logE));
});

test('differences beyond the bound count as the bound', () => {
  assert.deepEqual(after([5, -7, Infinity, 0.5]).bytes(), after([1, -1, 1, 0.5]).bytes());
});

test('restored half way it goes on to the last bit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 300 }), fc.integer(), (half, seed) => {
      const differences = noisy(300, 0.03, seed);
      const whole = after(differences);
      const restored = new BettingProcess({ bound: 1, margin: 0.01 });
      restored.restore(Uint8Array.from(after(differences.slice(0, half)).bytes()), 'x');
      for (const difference of differences.slice(half)) restored.take(difference);
      assert.deepEqual(restored.bytes(), whole.bytes());
    }),
    { numRuns: 40 },
  );
});

test('a margin outside the range is refused with it', () => {
  assert.throws(() => new BettingProcess({ bound: 1, margin: 1 }), /margin 1, bound 1, low -1, allowed/);
  assert.throws(() => new BettingProcess({ bound: 0, margin: 0 }), /bound 0/);
});
