import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assignArm } from '../../../shared/domain/assignment.ts';
import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import { judgeAnswers } from '../../support/plans-in-force.ts';
import type { JudgedAnswer } from '../../support/plans-in-force.ts';

const GRACE_MS = 100;

function planned(planVersion: number, atMs: number, more: Partial<TrafficPlan>): ModelVersionEvent {
  const plan = { model: 'm', planVersion, stable: 1, candidate: null, candidateWeightBp: 0, shadows: [] };
  return {
    model: 'm',
    sequence: planVersion,
    atMs,
    plan: { salt: 's', ...plan, ...more },
  } as unknown as ModelVersionEvent;
}

const LOG = [
  planned(3, 1000, {}),
  planned(5, 2000, { candidate: 2, candidateWeightBp: 5000 }),
  planned(6, 3000, {}),
];
const subjects = Array.from({ length: 50 }, (_, index) => `subject-${String(index)}`);
const candidates = subjects.filter((subject) => assignArm('s', subject, 5000) === 'candidate');
const [mine = ''] = candidates;
const other = subjects.find((subject) => !candidates.includes(subject)) ?? '';

const judged = (answer: Partial<JudgedAnswer>): readonly string[] =>
  judgeAnswers(
    LOG,
    'm',
    [{ subject: mine, version: 1, planVersion: 5, askedAtMs: 2500, ...answer }],
    GRACE_MS,
  ).disallowed;

test('stable may always answer, the candidate only subjects of its share', () => {
  assert.deepEqual(judged({}), []);
  assert.deepEqual(judged({ version: 2 }), []);
  assert.match(judged({ version: 2, subject: other })[0] ?? '', /whose candidate has 5000 bp/);
});

test('a version that the plan does not name is disallowed, and so is a plan that is not in the log', () => {
  assert.match(judged({ version: 3 })[0] ?? '', /which does not name it/);
  assert.match(judged({ version: 2, planVersion: 3, askedAtMs: 1500 })[0] ?? '', /which does not name it/);
  assert.match(judged({ planVersion: 4 })[0] ?? '', /plan 4 is not in the log/);
});

test('the plan before is allowed for the grace and no longer', () => {
  assert.deepEqual(judged({ version: 2, askedAtMs: 3000 + GRACE_MS }), []);
  assert.match(judged({ version: 2, askedAtMs: 3001 + GRACE_MS })[0] ?? '', /over for 101 ms/);
  const late = { subject: mine, version: 2, planVersion: 5, askedAtMs: 3040 };
  assert.equal(judgeAnswers(LOG, 'm', [late], GRACE_MS).latestMs, 40);
});
