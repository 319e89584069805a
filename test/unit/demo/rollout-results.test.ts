import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decisionOf, resultOf, rolloutTable, timelineLine } from '../../../deploy/demo/rollout-results.ts';
import { evidenceOf, rolloutEvent } from './rollout-events.ts';

const COUNTS = {
  verdicts: 12,
  firstFailureAtMs: null,
  learnedBefore: 100,
  learnedAtDecision: 200,
  learnedAfter: 300,
};
const PROMOTED = [
  rolloutEvent('RolloutStarted', 'shadow'),
  rolloutEvent('RolloutAdvanced', 'canary', { afterMs: 5000, evidence: evidenceOf(700, 600) }),
  rolloutEvent('RolloutAdvanced', 'full', {
    afterMs: 9000,
    because: 'it is good',
    evidence: evidenceOf(1900, 1500),
  }),
  rolloutEvent('RolloutClosed', 'closed', { afterMs: 9500, because: 'version 3 takes its place' }),
];

test('a promotion is decided when the version is full, whatever closes its way back', () => {
  assert.equal(decisionOf(PROMOTED, 2), PROMOTED[2]);
  assert.deepEqual(resultOf(PROMOTED, 2, COUNTS), {
    version: 2,
    outcome: 'full',
    reason: 'it is good',
    verdicts: 12,
    requestsToDecision: 1900,
    labelledToDecision: 1500,
    startToDecisionMs: 9000,
    firstFailureToDecisionMs: null,
    learnedBefore: 100,
    learnedAtDecision: 200,
    learnedAfter: 300,
  });
});

test('the time to a rollback counts from the first failed score, and from none that came after it', () => {
  const events = [
    rolloutEvent('RolloutStarted', 'shadow', { version: 4 }),
    rolloutEvent('RolloutRolledBack', 'rolledBack', { version: 4, afterMs: 400 }),
  ];
  const began = events[0]?.atMs ?? 0;
  const tookMs = (firstFailureAtMs: number | null): unknown =>
    resultOf(events, 4, { ...COUNTS, firstFailureAtMs })?.firstFailureToDecisionMs;
  assert.equal(tookMs(began + 100), 300);
  assert.equal(tookMs(began + 500), null);
  assert.equal(tookMs(null), null);
});

test('a rollout that is under way has no decision: its result says where it stands', () => {
  const events = PROMOTED.slice(0, 2);
  assert.equal(decisionOf(events, 2), undefined);
  const result = resultOf(events, 2, COUNTS);
  assert.deepEqual(
    [result?.outcome, result?.requestsToDecision, result?.startToDecisionMs],
    ['canary', null, null],
  );
  assert.equal(resultOf(events, 3, COUNTS), undefined, 'version 3 never began');
});

test('the timeline tells who moved what, when and why, and leaves out what need not be told', () => {
  assert.deepEqual(PROMOTED.map(timelineLine), [
    '  version 2    0.0 s  begins in shadow, by monitor: because',
    '  version 2    5.0 s  goes on, by monitor: because',
    '  version 2    9.0 s  goes on, by monitor: it is good',
    '  version 2    9.5 s  the way back is closed, by monitor: version 3 takes its place',
  ]);
  assert.equal(timelineLine(rolloutEvent('RolloutApplied', 'shadow')), undefined);
});

test('the table has a line a rollout, its columns under each other', () => {
  const result = resultOf(PROMOTED, 2, COUNTS);
  assert.ok(result !== undefined);
  assert.deepEqual(rolloutTable([result]), [
    'version  outcome  after  verdicts  requests  labelled  learned',
    '2        full     9.0 s  12        1900      1500      100 → 300',
  ]);
});
