import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelView, OverviewRow } from '../../../services/monitor/domain/page/messages.ts';
import { bandOf, rateOf, sampled, smoothed, stacked } from '../../../services/monitor/web/chart-data.ts';
import {
  basisPoints,
  count,
  duration,
  eValue,
  micros,
  percent,
  rate,
  signed,
} from '../../../services/monitor/web/format.ts';
import { gainOf, modelRow, pageOf, totalsOf } from '../../../services/monitor/web/overview-model.ts';
import {
  actionsOf,
  gateState,
  marginsOf,
  progressOf,
  railOf,
  startable,
} from '../../../services/monitor/web/rollout-model.ts';
import { roleOf } from '../../../services/monitor/web/roles.ts';
import { modelHref, routeOf } from '../../../services/monitor/web/route.ts';
import { TERMS } from '../../../services/monitor/web/terms.ts';
import { compared, keptOf, lineageOf } from '../../../services/monitor/web/versions-model.ts';
import type { VersionState } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { directoryWith, MODEL, ROLLOUT } from '../monitor/monitor-world.ts';

function viewOf(rollout: Parameters<typeof directoryWith>[0]): ModelView {
  const model = directoryWith(rollout).get(MODEL);
  assert.ok(model);
  const { spec, createdAtMs, versions, plan: traffic, queued } = model;
  return {
    model: { spec, createdAtMs },
    versions,
    traffic,
    rollout,
    queued,
    policy: DEFAULT_ROLLOUT_POLICY,
    verdict: null,
    report: null,
    alarms: [],
    rates: { predictionsPerSecond: 0, eventsPerSecond: 0 },
    registry: { word: null, fault: null },
  };
}

test('an address names a page, and every page has an address that names it', () => {
  assert.deepEqual(routeOf(''), { page: 'overview' });
  assert.deepEqual(routeOf('#/stream'), { page: 'stream' });
  assert.deepEqual(routeOf('#/meaning/evalue'), { page: 'meaning', term: 'evalue' });
  for (const page of ['model', 'rollout', 'versions', 'history'] as const)
    assert.deepEqual(routeOf(modelHref('clicks', page)), { page, model: 'clicks' });
  for (const hash of ['#/models', '#/models/clicks/nothing', '#/elsewhere', '#/%E0%A4%A'])
    assert.equal(routeOf(hash).page, 'unknown', hash);
});

test('numbers are written as people read them', () => {
  assert.deepEqual(
    [count(1234567), count(null), rate(3.14159), rate(1234.5), rate(0)],
    ['1,234,567', '–', '3.1', '1,235', '0'],
  );
  assert.deepEqual([12, 2500, 75_000, 7_380_000, 300_000_000].map(duration), [
    '12 ms',
    '2.5 s',
    '1 min 15 s',
    '2 h 3 min',
    '3 d 11 h',
  ]);
  assert.deepEqual([micros(812), micros(1500), micros(45_000)], ['812 µs', '1.5 ms', '45 ms']);
  assert.deepEqual(
    [percent(0.1234), basisPoints(1050), signed(-0.00123), signed(0.5)],
    ['12.3 %', '10.5 %', '−0.0012', '+0.5000'],
  );
  assert.deepEqual([0, Math.log(20), 20, -10, null].map(eValue), ['1.00', '20.0', 'over 10⁶', '< 0.01', '–']);
});

const row = (name: string, more: Partial<Record<number, unknown>> = {}): OverviewRow => {
  const plain: unknown[] = [name, 1, null, 0, null, 0, 1, 10, 0, 0, null, 0, 0.5, 0.7, []];
  return plain.map((value, at) => more[at] ?? value) as unknown as OverviewRow;
};

test('models are found by name, ordered and shown fifty at a time', () => {
  const all = Array.from({ length: 120 }, (_, at) => row(`m${String(at).padStart(3, '0')}`, { 8: at }));
  const query = { text: '', onlyAlarms: false, sort: 'predictionsPerSecond', page: 0 } as const;
  const first = pageOf(all, query);
  assert.deepEqual([first.rows.length, first.rows[0]?.name, first.found, first.pages], [50, 'm119', 120, 3]);
  assert.deepEqual(pageOf(all, { ...query, page: 99 }).page, 2);
  assert.deepEqual(
    pageOf(all, { ...query, text: ' M01 ' })
      .rows.map(({ name }) => name)
      .slice(0, 2),
    ['m019', 'm018'],
  );
  assert.equal(pageOf(all, { ...query, text: 'nothing' }).found, 0);
  const alarmed = row('z', { 14: [{ tone: 'bad', text: 'no stable version' }] });
  assert.deepEqual(pageOf([...all, alarmed], { ...query, sort: 'alarms' }).rows[0]?.name, 'z');
  assert.deepEqual(pageOf([...all, alarmed], { ...query, onlyAlarms: true }).found, 1);
});

test('what all models are together is their sum, and the worst freshness is named', () => {
  const totals = totalsOf([
    row('a', { 4: 'shadow', 8: 10, 9: 5, 10: 30 }),
    row('b', { 4: 'full', 8: 1, 9: 2, 10: 300, 14: [{ tone: 'warn', text: 'v2 rolled back' }] }),
  ]);
  const { worstFreshness, ...sums } = totals;
  assert.deepEqual(sums, {
    models: 2,
    rollouts: 1,
    predictionsPerSecond: 11,
    eventsPerSecond: 7,
    bad: 0,
    warn: 1,
  });
  assert.equal(worstFreshness?.name, 'b');
  assert.equal(totalsOf([]).worstFreshness, undefined);
  assert.equal(gainOf(modelRow(row('a'))), 1 - 0.5 / 0.7);
});

test('rates come from counts, layers stand upon each other, and a band is about its line', () => {
  assert.deepEqual(rateOf([0, 1000, 3000, 3500], [0, 10, 30, 5]), [null, 10, 10, null]);
  assert.deepEqual(smoothed([1, 3, null, 5], 2), [1, 2, null, 5]);
  assert.deepEqual(
    stacked([
      [1, null],
      [2, 3],
    ]),
    [
      [1, 0],
      [3, 3],
    ],
  );
  assert.deepEqual(bandOf([1, 2, null], [0.5, null, 1], 'accent'), {
    low: [0.5, null, null],
    high: [1.5, null, null],
    colour: 'accent',
  });
  assert.deepEqual(sampled(5, 3), [0, 2, 4]);
  assert.deepEqual(sampled(2, 12), [0, 1]);
});

test('the rail says where a rollout has been, is and may come to', () => {
  const states = (more: object, isWarming = false): string =>
    railOf({ ...ROLLOUT, ...more }, DEFAULT_ROLLOUT_POLICY, isWarming)
      .map(({ name, state }) => `${name} ${state}`)
      .join(', ');
  assert.equal(states({}), 'shadow now, 1 % ahead, 10 % ahead, 50 % ahead, 100 % ahead, full ahead');
  assert.equal(
    states({ phase: 'canary', step: 1 }, true),
    'warming done, shadow done, 1 % done, 10 % now, 50 % ahead, 100 % ahead, full ahead',
  );
  assert.equal(
    states({ phase: 'rolledBack', step: 0 }),
    'shadow done, 1 % ended, 10 % ahead, 50 % ahead, 100 % ahead, full ahead',
  );
  assert.equal(states({ phase: 'aborted', step: -1 }).startsWith('shadow ended'), true);
  assert.match(states({ phase: 'full', step: 3 }), /100 % done, full done$/);
});

test('commands are those that fit the rollout, and dangerous ones say so', () => {
  const verbs = (more: object): string[] =>
    actionsOf(MODEL, { ...ROLLOUT, ...more }).map(
      ({ verb, isDangerous }) => `${verb}${isDangerous === true ? '!' : ''}`,
    );
  assert.deepEqual(verbs({}), ['Promote', 'Promote to full', 'Pause', 'Roll back!', 'Abort!']);
  assert.deepEqual(verbs({ pausedBecause: 'lunch' }), ['Resume', 'Roll back!', 'Abort!']);
  assert.deepEqual(verbs({ phase: 'full' }), ['Undo!', 'Close']);
  for (const phase of ['rolledBack', 'aborted', 'replaced', 'closed']) assert.deepEqual(verbs({ phase }), []);
  assert.deepEqual(actionsOf(MODEL, null), []);
  assert.deepEqual(startable(viewOf(null)), [2]);
  assert.deepEqual(startable(viewOf(ROLLOUT)), []);
  assert.deepEqual(startable(viewOf({ ...ROLLOUT, phase: 'rolledBack' })), [2]);
});

test('a gate is against the candidate, shown, open, or clear', () => {
  const at = (maxLogE: number): StreamEvidence['promote'] => ({ logE: maxLogE, maxLogE, thresholdLogE: 4 });
  const gate = (more: Partial<StreamEvidence>): StreamEvidence => ({
    name: 'loss',
    role: 'objective',
    count: 1,
    estimate: 0,
    interval: null,
    lastWindow: 0,
    rollback: at(0),
    promote: at(1),
    examplesNeeded: null,
    ...more,
  });
  assert.deepEqual(
    [gate({ rollback: at(5) }), gate({ promote: at(4) }), gate({}), gate({ promote: null })].map(gateState),
    ['against', 'shown', 'open', 'clear'],
  );
  assert.deepEqual([at(-1), at(2), at(9), null].map(progressOf), [0, 0.5, 1, 0]);
  assert.deepEqual(marginsOf('loss', DEFAULT_ROLLOUT_POLICY), { promote: 0.01, rollback: 0.01 });
  assert.deepEqual(marginsOf('tail', DEFAULT_ROLLOUT_POLICY), { promote: 0.01, rollback: 0.01 });
  assert.deepEqual(marginsOf('accuracy', DEFAULT_ROLLOUT_POLICY), { promote: null, rollback: null });
  assert.deepEqual(marginsOf('slowness', DEFAULT_ROLLOUT_POLICY), { promote: null, rollback: 0.05 });
});

test('a version has a role, a place among its parents, and kept what it began with', () => {
  const view = viewOf(ROLLOUT);
  const [first, second] = view.versions as readonly [VersionState, VersionState];
  assert.deepEqual(
    [
      roleOf(view, first).words,
      roleOf(view, second).words,
      roleOf(view, { ...second, life: 'retired' }).words,
    ],
    ['stable', 'shadow', 'retired'],
  );
  const third: VersionState = { ...second, version: 3, parent: 1, mode: 'copy', bornPosition: 1200 };
  assert.deepEqual(
    lineageOf([first, second, third]).map(({ version, depth }) => [version.version, depth]),
    [
      [1, 0],
      [3, 1],
      [2, 0],
    ],
  );
  assert.equal(keptOf(third), 'everything v1 had learned at position 1,200');
  assert.equal(keptOf(first), 'nothing at position 0');
  const rows = compared({ ...view, versions: [first, third] }, [
    first,
    { ...third, learner: { ...third.learner, alpha: 0.2 } },
  ]);
  const different = rows.filter(({ isDifferent }) => isDifferent).map(({ name }) => name);
  assert.deepEqual(different, [
    'role',
    'mode',
    'parent',
    'knowledge kept',
    'born at position',
    'learner alpha',
  ]);
});

test('every number has one sentence that says what it means', () => {
  for (const [id, { name, short }] of Object.entries(TERMS)) {
    assert.match(id, /^[a-z-]+$/);
    assert.ok(name.length > 2 && short.length > 20 && short.endsWith('.'), id);
  }
});
