import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../../shared/domain/rng.ts';

function take(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

test('the same seed gives the same stream and a close seed another one', () => {
  const stream = take(100, createRng(7).next);
  assert.deepEqual(take(100, createRng(7).next), stream);
  const close = take(100, createRng(8).next);
  assert.ok(close.every((value, i) => value !== stream[i]));
});

test('numbers lie in [0, 1) with the mean and variance of a uniform distribution', () => {
  const numbers = take(100_000, createRng(1).next);
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
  assert.ok(numbers.every((x) => x >= 0 && x < 1));
  assert.ok(Math.abs(mean - 1 / 2) < 0.005, `mean ${String(mean)}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `variance ${String(variance)}`);
});

test('integers cover their range evenly', () => {
  const rng = createRng(2);
  const counts = new Array<number>(6).fill(0);
  for (let i = 0; i < 60_000; i++) {
    const n = rng.int(6);
    counts[n] = (counts[n] ?? 0) + 1;
  }
  assert.equal(counts.length, 6);
  for (const count of counts) assert.ok(Math.abs(count - 10_000) < 500, String(count));
});
