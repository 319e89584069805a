import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRollout } from '../../../services/registry/domain/rollout/machine.ts';
import type { RolloutBody } from '../../../shared/domain/model-directory.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { ask } from './registry-world.ts';
import { createRolloutDriver, evidenceOf, rollingOut, validationOf } from './rollout-driver.ts';
import { place, toFull, words } from './rollout-words.ts';

const { holdMinMs, monitorSilenceMaxMs, rollbackWindowMs } = DEFAULT_ROLLOUT_POLICY;

test('full can be undone in one record while its window lasts; then it is closed and stays', () => {
  const driver = rollingOut();
  toFull(driver);
  driver.pass(rollbackWindowMs);
  assert.equal(driver.rollout().phase, 'full');
  const events = driver.events.length;
  driver.command({ kind: 'undo' });
  assert.equal(driver.events.length, events + 1);
  assert.equal(place(driver), 'rolledBack 3: 1 null 0 [2,3]');

  const other = rollingOut();
  toFull(other);
  const { planVersion } = other.plan();
  other.pass(rollbackWindowMs + 1);
  assert.deepEqual([other.rollout().phase, other.plan().planVersion], ['closed', planVersion]);
  assert.equal(
    words(other.command({ kind: 'undo' })),
    'conflict: the rollout of version 2 has ended: it is closed',
  );
});

test('undoing over traffic that was set by hand is refused, and closing leaves it alone', () => {
  const driver = rollingOut();
  toFull(driver);
  driver.take(ask.traffic(driver.plan().planVersion, { stable: 3 }));
  assert.match(words(driver.command({ kind: 'undo' })), /^conflict: traffic was set by hand/);
  driver.command({ kind: 'close' });
  assert.equal(driver.plan().stable, 3);
});

test('what is so already is not done again', () => {
  const driver = rollingOut();
  assert.equal(words(driver.command({ kind: 'start', version: 2 })), 'already');
  assert.equal(words(driver.command({ kind: 'resume' })), 'already');
  driver.command({ kind: 'pause' }, 'lunch');
  assert.equal(driver.rollout().pausedBecause, 'lunch');
  assert.equal(words(driver.command({ kind: 'pause' })), 'already');
  driver.command({ kind: 'rollback' });
  for (const kind of ['rollback', 'undo'] as const) assert.equal(words(driver.command({ kind })), 'already');
  driver.command({ kind: 'start', version: 2 });
  driver.command({ kind: 'abort' });
  assert.equal(words(driver.command({ kind: 'abort' })), 'already');
  const full = rollingOut();
  full.command({ kind: 'promote', to: 'full' });
  assert.equal(words(full.command({ kind: 'promote', to: 'full' })), 'already');
  full.command({ kind: 'close' });
  assert.equal(words(full.command({ kind: 'close' })), 'already');
});

test('a command that does not fit is refused and says what would', () => {
  const none = createRolloutDriver();
  assert.equal(words(none.command({ kind: 'pause' })), 'conflict: there was no rollout: start one first');
  assert.equal(
    words(none.command({ kind: 'start', version: 9 })),
    'not-found: model clicks has no version 9',
  );
  assert.equal(
    words(none.command({ kind: 'start', version: 1 })),
    'invalid: version 1 is the stable version',
  );
  none.take(ask.register());
  assert.match(words(none.command({ kind: 'start', version: 4 })), /^conflict: version 4 is not live yet/);
  none.take(ask.traffic(none.plan().planVersion, { stable: 1, candidate: 3, candidateWeightBp: 5 }));
  assert.match(
    words(none.command({ kind: 'start', version: 2 })),
    /^conflict: the traffic plan gives version 3 a share by hand/,
  );
  const driver = rollingOut();
  assert.match(words(driver.command({ kind: 'undo' })), /roll it back or abort it instead$/);
  assert.equal(words(driver.command({ kind: 'close' })), 'conflict: it is not full yet');
  toFull(driver);
  assert.match(words(driver.command({ kind: 'abort' })), /undo it instead$/);
  driver.command({ kind: 'undo' });
  for (const kind of ['pause', 'resume', 'abort', 'close'] as const)
    assert.equal(
      words(driver.command({ kind })),
      'conflict: the rollout of version 2 has ended: it is rolledBack',
    );
});

test('an operator promotes without evidence, never against it', () => {
  const driver = rollingOut();
  driver.command({ kind: 'promote', to: 'next' }, 'I know it');
  assert.equal(place(driver), 'canary 0: 1 2 100 [3]');
  const { because } = JSON.parse(driver.events.at(-1)?.body ?? '{}') as RolloutBody;
  assert.equal(because, 'from shadow to 1 % of the subjects by command: I know it');
  driver.command({ kind: 'promote', to: 'full' });
  assert.equal(place(driver), 'full 3: 2 null 0 [1,3]');
  const against = rollingOut();
  against.verdict('wait', {
    evidence: evidenceOf({ validation: validationOf('log-loss 0.9, allowed 0.5') }),
  });
  assert.equal(
    words(against.command({ kind: 'promote', to: 'full' })),
    'conflict: the validation suite does not pass: log-loss 0.9, allowed 0.5',
  );
});

test('where approval is required nobody gets traffic without it', () => {
  const driver = rollingOut({ isApprovalRequired: true });
  driver.applied();
  driver.pass(holdMinMs);
  assert.equal(words(driver.verdict('promote')), 'ignored: not-yet');
  assert.match(words(driver.command({ kind: 'promote', to: 'next' })), /version 2 is not approved/);
  driver.take(ask.approve(2));
  driver.pass(1);
  assert.equal(driver.rollout().phase, 'canary');
});

test('a version that a policy gave traffic to counts as approved', () => {
  const driver = createRolloutDriver({ isApprovalRequired: false }, { versions: 2 });
  driver.take(ask.register('copy', 1));
  driver.take(ask.born(3));
  driver.command({ kind: 'start', version: 3 });
  const isApproved = (): boolean | undefined => driver.model().versions[2]?.isApproved;
  assert.equal(isApproved(), false);
  driver.command({ kind: 'promote', to: 'next' });
  assert.equal(isApproved(), true);
});

test('a newer candidate waits in the queue for the end of the rollout, or takes its place, as the policy says', () => {
  const driver = rollingOut();
  driver.command({ kind: 'start', version: 3 });
  assert.deepEqual([driver.rollout().candidate, driver.model().queued], [2, [3]]);
  assert.equal(words(driver.command({ kind: 'start', version: 3 })), 'already');
  driver.verdict('rollback');
  driver.pass(1);
  assert.deepEqual([driver.rollout().candidate, driver.model().queued], [3, []]);

  const replacing = rollingOut({ onNewerCandidate: 'replace' });
  replacing.climb();
  replacing.command({ kind: 'start', version: 3 });
  assert.deepEqual(
    replacing.events.slice(-2).map(({ kind, version }) => [kind, version]),
    [
      ['RolloutReplaced', 2],
      ['RolloutStarted', 3],
    ],
  );
  assert.equal(place(replacing), 'shadow -1: 1 null 0 [2,3]');
  assert.equal(replacing.rollout().startPlanVersion, replacing.plan().planVersion);
});

test('a queued version that cannot be tried any more leaves the queue, and the log says why', () => {
  const driver = rollingOut();
  driver.command({ kind: 'start', version: 3 });
  driver.take(ask.retire(3));
  driver.command({ kind: 'abort' });
  driver.pass(1);
  assert.deepEqual(driver.model().queued, []);
  const { because } = JSON.parse(driver.events.at(-1)?.body ?? '{}') as RolloutBody;
  assert.equal(because, 'version 3 leaves the queue: version 3 is retired');
});

test('a rollout that begins after a long silence gives the monitor its time to speak', () => {
  const driver = rollingOut();
  driver.command({ kind: 'start', version: 3 });
  toFull(driver);
  driver.pass(rollbackWindowMs + 1, true);
  driver.pass(1, true);
  assert.equal(driver.rollout().candidate, 3);
  driver.pass(monitorSilenceMaxMs, true);
  assert.equal(driver.rollout().pausedBecause, null);
  driver.pass(1, true);
  assert.notEqual(driver.rollout().pausedBecause, null);
});

test('the queue waits for the rollback window; a start by command closes it', () => {
  const driver = rollingOut();
  driver.command({ kind: 'start', version: 3 });
  toFull(driver);
  driver.pass(1);
  assert.equal(driver.rollout().phase, 'full');
  driver.command({ kind: 'close' });
  driver.pass(1);
  assert.equal(driver.rollout().candidate, 3);
  const other = rollingOut();
  toFull(other);
  other.command({ kind: 'start', version: 3 });
  assert.deepEqual(
    other.events.slice(-2).map(({ kind }) => kind),
    ['RolloutClosed', 'RolloutStarted'],
  );
  assert.equal(other.rollout().stable, 2);
});

test('traffic is not set by hand over a rollout under way, and who takes part in it is not retired', () => {
  const driver = rollingOut();
  assert.match(
    words(driver.take(ask.traffic(driver.plan().planVersion, { stable: 3 }))),
    /^conflict: a rollout of version 2 is under way: abort it first \(POST …\/rollout\/abort\)$/,
  );
  assert.match(words(driver.take(ask.retire(2))), /^conflict: version 2 takes part .* abort it first/);
  toFull(driver);
  assert.match(
    words(driver.take(ask.retire(1))),
    /^conflict: version 1 is the way back .* close the rollback window/,
  );
  driver.command({ kind: 'close' });
  assert.equal(words(driver.take(ask.retire(1))), 'append');
});

test('a twin’s candidate is compared with its control', () => {
  const driver = createRolloutDriver({}, { versions: 1 });
  const { learner } = driver.model().spec;
  driver.take({ kind: 'register-twin', model: 'clicks', parent: undefined, learner, startPosition: 0 });
  for (const version of [2, 3]) driver.take(ask.born(version));
  driver.command({ kind: 'start', version: 3 });
  const { stable, baseline, candidate, phase } = driver.rollout();
  assert.deepEqual([stable, baseline, candidate, phase], [1, 2, 3, 'shadow']);
  driver.climb();
  assert.deepEqual(driver.plan().shadows, [2]);
  assert.match(words(driver.take(ask.retire(2))), /takes part in the rollout of version 3/);
});

test('the id of a rollout has at most 64 characters and keeps what tells it from others', () => {
  const driver = createRolloutDriver();
  const model = driver.model();
  const named = { ...model, spec: { ...model.spec, name: 'm'.repeat(63) } };
  const context = { nowMs: 1, sequence: 9, position: 0, newest: null, heardAtMs: 1, triesOf: () => 41 };
  const signal = { kind: 'command', command: { kind: 'start', version: 2 }, why: '' } as const;
  const outcome = nextRollout(named, signal, { ...DEFAULT_ROLLOUT_POLICY, triesMax: 1000 }, context);
  assert.ok(outcome.kind === 'moved');
  assert.equal(outcome.moves[0]?.body.rollout?.rolloutId, `${'m'.repeat(59)}/2/42`);
});
