import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOf, summaryOf } from '../../../deploy/demo/result.ts';
import type { DemoResult } from '../../../deploy/demo/result.ts';
import type { RolloutResult } from '../../../deploy/demo/rollout-results.ts';

function rollout(version: number, change: Partial<RolloutResult> = {}): RolloutResult {
  return {
    version,
    outcome: version === 2 ? 'full' : 'rolledBack',
    reason: 'because',
    verdicts: 5,
    requestsToDecision: 100,
    labelledToDecision: 50,
    startToDecisionMs: 1000,
    firstFailureToDecisionMs: version === 4 ? 200 : null,
    learnedBefore: 10,
    learnedAtDecision: 20,
    learnedAfter: 30,
    ...change,
  };
}

const GOOD: DemoResult = {
  events: 60_000,
  predictions: 55_000,
  failedRequests: 0,
  failures: [],
  labelsJoined: 55_000,
  duplicatesLearned: 0,
  progressiveLogLoss: 0.55,
  baseRateLogLoss: 0.62,
  freshnessMs: { p50: 100, p99: 900, count: 2000 },
  recoveryMs: 3000,
  versions: [{ version: 1, examplesLearned: 60_000, logLoss: 0.55, answered: 20_000 }],
  rollouts: [rollout(2), rollout(3), rollout(4)],
  hasRunOut: false,
  brokenLink: null,
  rssMb: { router: 180 },
  stateDigest: 'a',
  replayedStateDigest: 'a',
};

const withRollout = (version: number, change: Partial<RolloutResult>): DemoResult => ({
  ...GOOD,
  rollouts: GOOD.rollouts.map((one) => (one.version === version ? rollout(version, change) : one)),
});

test('a demo that shows everything has no fault', () => {
  assert.deepEqual(faultsOf(GOOD), []);
});

const cases: readonly (readonly [string, DemoResult, RegExp])[] = [
  ['version 2 is not full', withRollout(2, { outcome: 'canary' }), /version 2 is canary, not full: because/],
  ['version 3 is full', withRollout(3, { outcome: 'full' }), /version 3 is full, not rolledBack/],
  ['version 4 is in shadow', withRollout(4, { outcome: 'shadow' }), /version 4 is shadow, not rolledBack/],
  ['version 4 was never tried', { ...GOOD, rollouts: [rollout(2), rollout(3)] }, /version 4 was never tried/],
  ['version 3 stopped learning', withRollout(3, { learnedAfter: 20 }), /version 3 has learned nothing since/],
  ['version 4 took too long', withRollout(4, { firstFailureToDecisionMs: 1001 }), /1001 ms .*allowed 1000/],
  ['version 4 never failed', withRollout(4, { firstFailureToDecisionMs: null }), /before it failed/],
  ['the chain is broken', { ...GOOD, brokenLink: 'event 7 was changed' }, /chain is broken: event 7/],
  ['the flights ran out', { ...GOOD, hasRunOut: true }, /flights ran out/],
  ['a request failed', { ...GOOD, failedRequests: 1, failures: ['503'] }, /1 requests failed: 503/],
  ['the replay differs', { ...GOOD, replayedStateDigest: 'b' }, /another state/],
  ['an example was learned twice', { ...GOOD, duplicatesLearned: 1 }, /1 more examples/],
];

for (const [name, result, words] of cases) {
  test(`it is a fault when ${name}`, () => {
    const faults = faultsOf(result);
    assert.equal(faults.length, 1, faults.join('; '));
    assert.match(faults[0] ?? '', words);
  });
}

test('the summary tells of rollouts and the chain', () => {
  const text = summaryOf(GOOD).join('\n');
  assert.match(text, /its hash chain is whole/);
  assert.match(
    text,
    /was out 200 ms after its first failed score was logged, 1000 ms after its rollout began/,
  );
  assert.match(text, /^3 +rolledBack +1\.0 s/m);
});
