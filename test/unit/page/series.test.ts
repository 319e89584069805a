import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Series } from '../../../services/monitor/domain/page/series.ts';
import { withPart } from '../../../services/monitor/web/merge.ts';
import type { Points } from '../../../services/monitor/web/merge.ts';

test('a series keeps every sample until it is full, then every second one for twice the time', () => {
  const series = new Series(4);
  for (let at = 1; at <= 4; at += 1) series.add(at, at, { value: at });
  assert.deepEqual(series.since(0).timesMs, [1, 2, 3, 4]);
  series.add(5, 5, { value: 5 });
  assert.deepEqual(series.since(0), { from: 0, timesMs: [2, 4, 5], columns: { value: [2, 4, 5] } });
  assert.equal(series.stride, 2);
  series.add(6, 6, { value: 6 });
  assert.deepEqual(series.since(0).timesMs, [2, 4, 6]);
});

test('the newest sample is always the last point, however coarse the series is', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 8 }), (samples, half) => {
      const series = new Series(2 * half);
      for (let at = 1; at <= samples; at += 1) series.add(at, at, { value: -at });
      const { timesMs, columns } = series.since(0);
      assert.equal(timesMs.at(-1), samples);
      assert.equal(columns['value']?.at(-1), -samples);
      assert.ok(timesMs.length <= 2 * half);
      assert.deepEqual(
        [...timesMs].sort((a, b) => a - b),
        timesMs,
      );
    }),
  );
});

test('a page that takes what is new, whenever it asks, holds what one holds that asks for everything', () => {
  const looks = fc.array(
    fc.record({ asks: fc.boolean(), named: fc.boolean(), clears: fc.integer({ min: 0, max: 40 }) }),
    { maxLength: 200 },
  );
  fc.assert(
    fc.property(looks, (steps) => {
      const series = new Series(8);
      let points: Points | undefined;
      let seen = 0;
      steps.forEach(({ asks, named, clears }, index) => {
        const tick = index + 1;
        if (clears === 0) series.clear(tick);
        series.add(1000 * tick, tick, named ? { a: tick, b: -tick } : { a: tick });
        if (!asks) return;
        points = withPart(points, series.since(seen));
        seen = tick;
        assert.deepEqual(points, withPart(undefined, series.since(0)));
      });
    }),
  );
});

test('columns that are not wanted any more are forgotten, and a value that is no number is none', () => {
  const series = new Series(4);
  series.add(1, 1, { a: 1, b: NaN });
  assert.deepEqual(series.since(0).columns, { a: [1], b: [null] });
  series.keepColumns((name) => name === 'a');
  assert.deepEqual(series.since(0).columns, { a: [1] });
});

test('a capacity that cannot be halved is refused', () => {
  for (const capacity of [0, 1, 7])
    assert.throws(() => new Series(capacity), /capacity \d, allowed even numbers from 2/);
});
