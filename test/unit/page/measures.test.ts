import assert from 'node:assert/strict';
import { test } from 'node:test';
import { alarmsOf } from '../../../services/monitor/domain/page/alarms.ts';
import { ChainWatch } from '../../../services/monitor/domain/page/chain-watch.ts';
import { LossBand, RecentMean } from '../../../services/monitor/domain/page/loss-band.ts';
import { RateMeter } from '../../../services/monitor/domain/page/rate-meter.ts';
import { LogHistogram } from '../../../services/monitor/domain/log-histogram.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { sha256, worldWithVersions } from '../registry/registry-world.ts';
import { directoryWith, MODEL, ROLLOUT } from '../monitor/monitor-world.ts';

test('the band of a loss is about 1.96 standard errors wide for examples that have nothing to do with each other', () => {
  const rng = createRng(7);
  let inside = 0;
  const rounds = 200;
  for (let round = 0; round < rounds; round += 1) {
    const band = new LossBand();
    let [sum, error] = [0, NaN];
    const examples = 4000;
    for (let at = 1; at <= examples; at += 1) {
      sum += rng.next();
      if (at % 100 === 0) error = band.take(at, sum);
    }
    if (Math.abs(sum / examples - 0.5) <= 1.96 * error) inside += 1;
  }
  assert.ok(inside / rounds > 0.88 && inside / rounds < 0.99, String(inside / rounds));
});

test('there is no band before eight batches have come', () => {
  const band = new LossBand();
  for (let at = 0; at <= 7; at += 1)
    assert.ok(Number.isNaN(band.take(at * 20, at * 20 * (0.5 + (at % 2) / 10))));
  assert.ok(band.take(160, 85) > 0);
});

test('a recent mean begins with the mean of everything and forgets by the half-life', () => {
  const mean = new RecentMean();
  assert.equal(mean.take(100, 50), 0.5);
  assert.equal(mean.take(100, 50), 0.5);
  const later = mean.take(1_000_100, 1_000_050);
  assert.ok(Math.abs(later - 1) < 1e-9);
  const half = mean.take(1_010_100, 1_000_050);
  assert.ok(Math.abs(half - 0.5) < 0.01, String(half));
});

test('a rate is the rise over the last five seconds, and begins anew where a count falls', () => {
  const meter = new RateMeter();
  assert.equal(meter.take(0, 0), 0);
  for (let second = 1; second <= 20; second += 1) assert.equal(meter.take(second * 30, second * 1000), 30);
  for (let second = 21; second <= 26; second += 1) meter.take(600, second * 1000);
  assert.equal(meter.take(600, 27_000), 0);
  assert.equal(meter.take(5, 28_000), 0);
  assert.equal(meter.take(15, 29_000), 10);
});

test('what was added to a histogram since is a histogram of its own', () => {
  const all = new LogHistogram();
  all.add(1000);
  const before = all.copy();
  all.add(2);
  const added = all.since(before).quantiles();
  assert.equal(added.count, 1);
  assert.ok(Math.abs((added.p99 ?? 0) - 2) < 0.4);
  assert.equal(all.quantiles().count, 2);
});

test('alarms tell of stopped shards, missing stables, pauses, rollbacks, lag and old answers, and of nothing else', () => {
  const of = (rollout: Partial<typeof ROLLOUT> | null): ReturnType<typeof directoryWith> =>
    directoryWith(rollout === null ? null : { ...ROLLOUT, ...rollout });
  const texts = (more: object, rollout: Partial<typeof ROLLOUT> | null = null): string[] => {
    const model = of(rollout).get(MODEL);
    assert.ok(model);
    return alarmsOf({ model, stopped: undefined, lagRecords: 0, freshnessP99Ms: 10, ...more }).map(
      ({ tone, text }) => `${tone}: ${text}`,
    );
  };
  assert.deepEqual(texts({}), []);
  assert.deepEqual(texts({}, {}), []);
  assert.deepEqual(texts({ stopped: 'its position is gone' }), ['bad: not measured: its position is gone']);
  assert.deepEqual(texts({ lagRecords: 10_001, freshnessP99Ms: 61_000 }), [
    'warn: 10001 records behind',
    'warn: fresh only within 61 s',
  ]);
  assert.deepEqual(texts({}, { pausedBecause: 'lunch' }), ['warn: rollout of v2 paused: lunch']);
  assert.deepEqual(texts({}, { phase: 'rolledBack', pausedBecause: 'lunch' }), ['warn: v2 rolled back']);
  const model = of(null).get(MODEL);
  assert.ok(model);
  const bare = { ...model, plan: { ...model.plan, stable: null } };
  assert.deepEqual(alarmsOf({ model: bare, stopped: undefined, lagRecords: null, freshnessP99Ms: null }), [
    { tone: 'bad', text: 'no stable version' },
  ]);
});

test('the chain is followed to its end, and to the first broken link', async () => {
  const events = (await worldWithVersions(2)).events();
  const watch = new ChainWatch(sha256);
  for (const event of events) watch.take(event);
  watch.take(events[0] as (typeof events)[0]); // read again after a rejoin
  assert.deepEqual(watch.status(), { events: events.length, hash: events.at(-1)?.hash, fault: null });
  const broken = new ChainWatch(sha256);
  events.forEach((event, at) => broken.take(at === 1 ? { ...event, actor: 'mallory' } : event));
  assert.deepEqual(broken.status(), {
    events: 1,
    hash: events[0]?.hash,
    fault: 'event 2 was changed after it was written',
  });
});
