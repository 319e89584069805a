import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSamePlan } from '../../../services/registry/domain/same-plan.ts';
import type { RolloutBody } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { evidenceOf, rollingOut, validationOf } from './rollout-driver.ts';
import { place, words } from './rollout-words.ts';

const { holdMinMs, holdMaxMs, monitorSilenceMaxMs } = DEFAULT_ROLLOUT_POLICY;

test('a candidate climbs from shadow to full on promoting verdicts, and the old stable learns on as a shadow', () => {
  const driver = rollingOut();
  const places = [place(driver)];
  for (let stages = 0; stages < 5; stages += 1) {
    driver.climb();
    places.push(place(driver));
  }
  assert.deepEqual(places, [
    'shadow -1: 1 null 0 [2,3]',
    'canary 0: 1 2 100 [3]',
    'canary 1: 1 2 1000 [3]',
    'canary 2: 1 2 5000 [3]',
    'canary 3: 1 2 10000 [3]',
    'full 3: 2 null 0 [1,3]',
  ]);
  assert.equal(driver.plan().salt, 'clicks/2/1');
  assert.deepEqual(
    driver.events.slice(-10).map(({ kind }) => kind),
    Array.from({ length: 5 }, () => ['RolloutApplied', 'RolloutAdvanced']).flat(),
  );
});

test('every event of a rollout carries it whole, with the plan its stage began with, the evidence and the report', () => {
  const driver = rollingOut();
  driver.climb();
  const event = driver.events.at(-1);
  const body = JSON.parse(event?.body ?? '{}') as RolloutBody;
  assert.equal(body.because, 'from shadow to 1 % of the subjects: it is better');
  assert.equal(body.evidence?.because, 'it is better');
  assert.deepEqual(body.validation, validationOf());
  assert.deepEqual(
    [body.rollout?.stagePlanVersion, body.rollout?.stagePosition, body.rollout?.appliedAtMs],
    [event?.sequence, driver.nowMs(), null],
  );
  driver.climb();
  assert.equal((JSON.parse(driver.events.at(-1)?.body ?? '{}') as RolloutBody).validation, null);
});

test('a candidate that began from nothing is warmed before it is judged; one that is a copy is not', () => {
  const driver = rollingOut({}, { mode: 'cold' });
  assert.equal(driver.rollout().phase, 'warming');
  const began = driver.plan();
  driver.verdict('promote');
  assert.equal(driver.rollout().phase, 'shadow');
  assert.ok(isSamePlan(driver.plan(), began));
  assert.equal(driver.rollout().stagePlanVersion, began.planVersion);
});

test('a promotion waits until every live router has the plan and the hold has passed since', () => {
  const driver = rollingOut();
  assert.equal(words(driver.verdict('promote')), 'ignored: not-yet');
  driver.pass(holdMinMs * 2);
  assert.equal(driver.rollout().phase, 'shadow');
  driver.applied();
  driver.pass(holdMinMs - 1);
  assert.equal(driver.rollout().phase, 'shadow');
  driver.pass(1);
  assert.equal(driver.rollout().phase, 'canary');
});

for (const [what, value, change] of [
  ['says wait', 'wait', {}],
  ['has no examples', 'promote', { evidence: evidenceOf({ examples: 0, stageExamples: 0 }) }],
  ['counts too few examples of the stage', 'promote', { evidence: evidenceOf({ stageExamples: 499 }) }],
  ['counts no number', 'promote', { evidence: evidenceOf({ stageExamples: NaN }) }],
  ['has no validation report', 'promote', { evidence: evidenceOf({ validation: null }) }],
  [
    'has a validation report with a fault',
    'promote',
    { evidence: evidenceOf({ validation: validationOf('worse') }) },
  ],
  ['is of another stage', 'promote', { stage: 1 }],
  ['is of another rollout', 'promote', { rolloutId: 'clicks/2/9' }],
  ['is of another version', 'promote', { candidate: 3 }],
  ['was gathered under an older plan', 'promote', { planVersion: 1 }],
] as const) {
  test(`a verdict that ${what} does not promote`, () => {
    const driver = rollingOut();
    driver.applied();
    driver.pass(holdMinMs);
    const events = driver.events.length;
    assert.equal(driver.verdict(value, change).kind, 'ignored');
    driver.pass(1000);
    assert.equal(driver.events.length, events);
  });
}

test('a promoting verdict counts while it is fresh only: a lost monitor promotes nothing', () => {
  const driver = rollingOut();
  driver.applied();
  driver.verdict('promote');
  driver.pass(holdMinMs, true);
  assert.equal(driver.rollout().phase, 'shadow');
  driver.verdict('promote');
  assert.equal(driver.rollout().phase, 'canary');
});

test('a rollback takes everything back at once, in any stage and also while paused, and the candidate learns on', () => {
  for (let stages = 0; stages < 5; stages += 1) {
    for (const isPaused of [false, true]) {
      const driver = rollingOut();
      for (let climbed = 0; climbed < stages; climbed += 1) driver.climb();
      if (isPaused) driver.command({ kind: 'pause' });
      assert.equal(words(driver.verdict('rollback')), 'append');
      assert.match(place(driver), /^rolledBack -?\d: 1 null 0 \[2,3\]$/);
      assert.equal(driver.events.at(-1)?.kind, 'RolloutRolledBack');
    }
  }
});

test('a rolled back version can be tried again, triesMax times in all', () => {
  const driver = rollingOut();
  for (let attempt = 1; attempt <= 3; attempt += 1) {
    assert.deepEqual(
      [driver.rollout().rolloutId, driver.rollout().attempt],
      [`clicks/2/${String(attempt)}`, attempt],
    );
    driver.verdict('rollback');
    if (attempt < 3) assert.equal(words(driver.command({ kind: 'start', version: 2 })), 'append');
  }
  assert.equal(
    words(driver.command({ kind: 'start', version: 2 })),
    'conflict: version 2 was tried 3 times, allowed rollout.triesMax 3',
  );
});

test('a silent monitor pauses a rollout, and a paused one is not promoted until somebody resumes it', () => {
  const driver = rollingOut();
  driver.climb();
  driver.applied();
  driver.pass(monitorSilenceMaxMs, true);
  assert.equal(driver.rollout().pausedBecause, null);
  driver.pass(1, true);
  assert.equal(driver.rollout().pausedBecause, 'the monitor has said nothing for 121 s, allowed 120 s');
  assert.equal(driver.plan().candidateWeightBp, 100);
  assert.equal(words(driver.verdict('promote')), 'ignored: not-yet');
  assert.equal(
    words(driver.command({ kind: 'promote', to: 'next' })),
    'conflict: the rollout is paused because the monitor has said nothing for 121 s, allowed 120 s: resume it first',
  );
  driver.command({ kind: 'resume' });
  driver.pass(1);
  assert.equal(place(driver), 'canary 1: 1 2 1000 [3]');
});

test('a stage that outstays its longest time is paused, not promoted; more time is given by extending it', () => {
  const driver = rollingOut();
  driver.applied();
  driver.pass(holdMaxMs + 1);
  assert.match(driver.rollout().pausedBecause ?? '', /^shadow has taken longer than 604800 s/);
  assert.equal(words(driver.verdict('promote')), 'ignored: not-yet');
  assert.match(
    words(driver.command({ kind: 'resume' })),
    /^conflict: its stage has taken .* extend it first$/,
  );
  driver.command({ kind: 'extend', byMs: 10_000 });
  driver.command({ kind: 'resume' });
  assert.equal(words(driver.verdict('promote')), 'append');
  assert.deepEqual([driver.rollout().phase, driver.rollout().extendedMs], ['canary', 0]);
});

test('alarms: a halted candidate goes back from anywhere, one that does not work on a router from traffic', () => {
  const alarm = { kind: 'alarm', version: 2, because: 'it stands still' } as const;
  const shadow = rollingOut();
  assert.equal(words(shadow.send({ ...alarm, from: 'router' })), 'ignored: no-traffic');
  assert.equal(words(shadow.send({ ...alarm, from: 'learner', version: 3 })), 'ignored: other-version');
  shadow.send({ ...alarm, from: 'learner' });
  assert.equal(shadow.rollout().phase, 'rolledBack');
  const canary = rollingOut();
  canary.climb();
  canary.send({ ...alarm, from: 'router' });
  assert.equal(place(canary), 'rolledBack 0: 1 null 0 [2,3]');
});
