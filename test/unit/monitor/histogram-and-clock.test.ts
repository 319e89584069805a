import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FreshnessClock } from '../../../services/monitor/domain/freshness-clock.ts';
import { LogHistogram } from '../../../services/monitor/domain/log-histogram.ts';

const EMPTY = { count: 0, mean: null, p50: null, p90: null, p99: null };

test('a quantile is at least the true one and at most 19 % above it', () => {
  const values = fc.array(fc.double({ min: 1, max: 2 ** 39, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(values, (all) => {
      const histogram = new LogHistogram();
      for (const value of all) histogram.add(value);
      const sorted = [...all].sort((a, b) => a - b);
      const { p50, p90, p99, count } = histogram.quantiles();
      assert.equal(count, all.length);
      for (const [share, found] of [
        [0.5, p50],
        [0.9, p90],
        [0.99, p99],
      ] as const) {
        const exact = sorted[Math.ceil(share * all.length) - 1] ?? 0;
        const ratio = (found ?? 0) / exact;
        assert.ok(
          ratio >= 1 - 1e-9 && ratio <= 1.19,
          `${String(share)}: ${String(found)} for ${String(exact)}`,
        );
      }
    }),
  );
});

test('what cannot be a duration counts as zero, what is huge goes into the last bin', () => {
  assert.deepEqual(new LogHistogram().quantiles(), EMPTY);
  const histogram = new LogHistogram();
  for (const value of [-5, Number.NaN, Infinity, 0, 0.5]) histogram.add(value);
  assert.deepEqual(histogram.quantiles(), { count: 5, mean: 0.1, p50: 1, p90: 1, p99: 1 });
  histogram.add(Number.MAX_VALUE);
  assert.equal(histogram.quantiles().p99, 2 ** 39.75);
});

test('a histogram restored from its bytes goes on as the stored one', () => {
  const [stored, restored] = [new LogHistogram(), new LogHistogram()];
  for (const value of [3, 99, 1e6]) stored.add(value);
  restored.restore(Uint8Array.from(stored.bytes()), 'x');
  stored.add(7);
  restored.add(7);
  assert.deepEqual(restored.bytes(), stored.bytes());
  assert.throws(() => restored.restore(new Uint8Array(8), 'shard/delay'), /shard\/delay/);
});

function delaysOf(clock: FreshnessClock, position: number, timeMs: number): number[] {
  const delays: number[] = [];
  clock.answer(position, timeMs, (delayMs) => delays.push(delayMs));
  return delays;
}

test('an answer ends the waiting of every event below its position, once', () => {
  const clock = new FreshnessClock();
  assert.equal(clock.event(5, 1000), undefined);
  assert.equal(clock.event(6, 1010), undefined);
  assert.equal(clock.event(9, 1020), undefined);
  assert.deepEqual(delaysOf(clock, 5, 1015), []);
  assert.deepEqual(delaysOf(clock, 7, 1030), [30, 20]);
  assert.deepEqual(delaysOf(clock, 7, 1040), []);
  assert.deepEqual(delaysOf(clock, 3, 1040), []);
  assert.deepEqual(delaysOf(clock, 10, 1050), [30]);
});

test('an event whose answer was read first has its delay at once, never below zero', () => {
  const clock = new FreshnessClock();
  assert.deepEqual(delaysOf(clock, 8, 1030), []);
  assert.equal(clock.event(7, 1000), 30);
  assert.equal(clock.event(7, 2000), 0);
  assert.equal(clock.event(8, 1000), undefined);
});

test('of too many waiting events the newest are kept', () => {
  const clock = new FreshnessClock();
  for (let offset = 0; offset < 1500; offset += 1) clock.event(offset, offset);
  const delays = delaysOf(clock, 1500, 1500);
  assert.deepEqual([delays.length, delays[0], delays.at(-1)], [1024, 1024, 1]);
});

test('a clock restored from its bytes goes on as the stored one', () => {
  const [stored, restored] = [new FreshnessClock(), new FreshnessClock()];
  for (let offset = 0; offset < 1100; offset += 1) stored.event(offset, offset);
  delaysOf(stored, 400, 2000);
  restored.restore(Uint8Array.from(stored.bytes()), 'clock');
  assert.deepEqual(delaysOf(restored, 900, 3000), delaysOf(stored, 900, 3000));
  assert.deepEqual(restored.bytes(), stored.bytes());
});
