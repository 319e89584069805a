import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { HeardVerdict, RolloutCommand } from '../../../services/registry/domain/rollout/signals.ts';
import { assignArm } from '../../../shared/domain/assignment.ts';
import { isUnderWay } from '../../../shared/domain/rollout.ts';
import type { RolloutState, VerdictValue } from '../../../shared/domain/rollout.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { evidenceOf, rollingOut, validationOf } from './rollout-driver.ts';
import type { RolloutDriver } from './rollout-driver.ts';

/** One thing that happens; `isOperator` when a person wants it. */
interface Happening {
  readonly name: string;
  readonly isOperator: boolean;
  readonly run: (driver: RolloutDriver) => unknown;
}

const version = fc.integer({ min: 1, max: 4 });
const command: fc.Arbitrary<RolloutCommand> = fc.oneof(
  version.map((one) => ({ kind: 'start' as const, version: one })),
  fc.constantFrom('next', 'full').map((to) => ({ kind: 'promote' as const, to: to })),
  fc
    .constantFrom('pause', 'resume', 'abort', 'rollback', 'undo', 'close')
    .map((kind) => ({ kind: kind as 'pause' })),
  fc.integer({ min: 1, max: 1_000_000 }).map((byMs) => ({ kind: 'extend' as const, byMs })),
);
const byOperator = command.map((one): Happening => ({
  name: `command ${JSON.stringify(one)}`,
  isOperator: true,
  run: (driver) => driver.command(one),
}));
const ofTime = fc
  .record({
    ms: fc.constantFrom(1, 2, 10, 100, 500, 1000, 2000, 60_000, 130_000, 700_000_000),
    isSilent: fc.boolean(),
  })
  .map(({ ms, isSilent }): Happening => ({
    name: `time ${String(ms)}${isSilent ? ' without a word' : ''}`,
    isOperator: false,
    run: (driver) => driver.pass(ms, isSilent),
  }));
const evidence = fc.record({
  examples: fc.constantFrom(0, 1, 100_000, 100_000, 100_000),
  stageExamples: fc.constantFrom(0, 199, 100_000, 100_000, 100_000, 100_000),
  validation: fc.constantFrom(null, validationOf('worse'), validationOf(), validationOf(), validationOf()),
});
const verdictOf = (values: readonly VerdictValue[]): fc.Arbitrary<Happening> =>
  fc.record({ value: fc.constantFrom(...values), evidence }).map((given): Happening => ({
    name: `verdict ${given.value}`,
    isOperator: false,
    run: (driver) => {
      if (driver.model().rollout === null) return;
      driver.verdict(given.value, { evidence: evidenceOf(given.evidence) });
    },
  }));
const applied: Happening = {
  name: 'applied',
  isOperator: false,
  run: (driver) => driver.model().rollout !== null && driver.applied(),
};
const ofRouters: fc.Arbitrary<Happening> = fc.constantFrom(
  ...Array.from({ length: 8 }, () => applied),
  {
    name: 'router alarm',
    isOperator: false,
    run: (driver) => driver.send({ kind: 'alarm', from: 'router', version: 2, because: 'parity' }),
  },
  {
    name: 'learner alarm',
    isOperator: false,
    run: (driver) => driver.send({ kind: 'alarm', from: 'learner', version: 2, because: 'halted' }),
  },
);
const rarely = (one: fc.Arbitrary<Happening>): fc.WeightedArbitrary<Happening> => ({
  arbitrary: one,
  weight: 1,
});
const often = (one: fc.Arbitrary<Happening>): fc.WeightedArbitrary<Happening> => ({
  arbitrary: one,
  weight: 4,
});
const unasked = fc.oneof(
  often(verdictOf(['promote'])),
  rarely(verdictOf(['wait', 'rollback'])),
  often(ofTime),
  often(ofRouters),
);
const anything = fc.oneof(often(unasked), rarely(byOperator));

/** How much traffic the versions other than the first have, basis points. */
function shareOfNew(driver: RolloutDriver): number {
  const { stable, candidate, candidateWeightBp } = driver.plan();
  return stable === 1 ? (candidate === null ? 0 : candidateWeightBp) : 10_000;
}

function run(
  happenings: readonly Happening[],
  after: (driver: RolloutDriver, happening: Happening, before: RolloutState | null) => void,
): void {
  const driver = rollingOut({ holdMinMs: 0 });
  for (const happening of happenings) {
    const before = driver.model().rollout;
    happening.run(driver);
    after(driver, happening, before);
  }
}

const many = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 60, size: 'max' });

test('without a promoting verdict nothing but a command gives a candidate more traffic', () => {
  const bad = fc.oneof(
    often(verdictOf(['wait'])),
    rarely(verdictOf(['rollback'])),
    often(ofTime),
    often(ofRouters),
    rarely(byOperator),
  );
  fc.assert(
    fc.property(many(bad), (happenings) => {
      let share = 0;
      run(happenings, (driver, { isOperator, name }) => {
        const now = shareOfNew(driver);
        assert.ok(isOperator || now <= share, `${name} raised ${String(share)} to ${String(now)}`);
        share = now;
      });
    }),
  );
});

test('a promoting verdict without data, or whose validation fails, gives a candidate no traffic', () => {
  const empty: fc.Arbitrary<Happening> = fc
    .constantFrom(
      { examples: 0, stageExamples: 0 },
      { stageExamples: 0 },
      { validation: null },
      { validation: validationOf('worse') },
    )
    .map((change) => ({
      name: `verdict promote ${JSON.stringify(change)}`,
      isOperator: false,
      run: (driver) => driver.verdict('promote', { evidence: evidenceOf(change) }),
    }));
  fc.assert(
    fc.property(many(fc.oneof(empty, ofTime, ofRouters)), (happenings) => {
      const driver = rollingOut({ holdMinMs: 0 });
      for (const { run: happen } of happenings) {
        happen(driver);
        assert.equal(shareOfNew(driver), 0);
      }
    }),
  );
});

test('after a rollback nothing but a command gives the candidate traffic again', () => {
  fc.assert(
    fc.property(many(unasked), many(unasked), (before, after) => {
      const driver = rollingOut({ holdMinMs: 0 });
      for (const { run: happen } of before) happen(driver);
      const wasUnderWay = isUnderWay(driver.rollout().phase);
      driver.verdict('rollback');
      if (!wasUnderWay) return;
      assert.equal(shareOfNew(driver), 0);
      for (const { run: happen } of after) {
        happen(driver);
        assert.equal(shareOfNew(driver), 0);
      }
    }),
  );
});

test('a stale, repeated or foreign verdict moves nothing', () => {
  const foreign: fc.Arbitrary<(rollout: RolloutState) => Partial<HeardVerdict>> = fc.oneof(
    fc.integer({ min: 1, max: 20 }).map((back) => ({ stage }: RolloutState) => ({ stage: stage - back })),
    fc.integer({ min: 1, max: 20 }).map((on) => ({ stage }: RolloutState) => ({ stage: stage + on })),
    fc.constant(({ rolloutId }: RolloutState) => ({ rolloutId: `${rolloutId}0` })),
    fc.constant(({ candidate }: RolloutState) => ({ candidate: candidate + 1 })),
    fc.constant(({ stagePlanVersion }: RolloutState) => ({ planVersion: stagePlanVersion - 1 })),
  );
  fc.assert(
    fc.property(
      many(anything),
      foreign,
      fc.constantFrom('promote', 'wait', 'rollback'),
      (happenings, make, value) => {
        const driver = rollingOut({ holdMinMs: 0 });
        for (const { run: happen } of happenings) happen(driver);
        driver.applied();
        const events = driver.events.length;
        driver.verdict(value, make(driver.rollout()));
        assert.equal(driver.events.length, events);
      },
    ),
  );
  fc.assert(
    fc.property(fc.nat({ max: 4 }), (stages) => {
      const driver = rollingOut({ holdMinMs: 0 });
      for (let climbed = 0; climbed < stages; climbed += 1) driver.climb();
      driver.applied();
      const { rolloutId, stage, stagePlanVersion } = driver.rollout();
      const once = { rolloutId, stage, planVersion: stagePlanVersion };
      driver.verdict('promote', once);
      const events = driver.events.length;
      driver.verdict('promote', once);
      driver.pass(1);
      assert.equal(driver.events.length, events);
    }),
  );
});

const FINAL = ['rolledBack', 'aborted', 'replaced', 'closed'];

test('a final phase is left only by a command, or for a version that a command has queued', () => {
  fc.assert(
    fc.property(many(anything), (happenings) => {
      let queued: readonly number[] = [];
      run(happenings, (driver, { isOperator, name }, before) => {
        if (before !== null && FINAL.includes(before.phase) && !isOperator) {
          const after = driver.rollout();
          const isSame = after.rolloutId === before.rolloutId && after.phase === before.phase;
          assert.ok(isSame || queued.includes(after.candidate), `${name} left ${before.phase}`);
        }
        ({ queued } = driver.model());
      });
    }),
  );
});

test('every state has a way back to stable in one step', () => {
  fc.assert(
    fc.property(many(anything), (happenings) => {
      const driver = rollingOut({ holdMinMs: 0 });
      for (const { run: happen } of happenings) happen(driver);
      const { phase, candidate, stable } = driver.rollout();
      if (!isUnderWay(phase) && phase !== 'full') return; // stable has everything already
      const events = driver.events.length;
      assert.equal(driver.command({ kind: 'rollback' }).kind, 'append');
      assert.equal(driver.events.length, events + 1);
      const plan = driver.plan();
      assert.deepEqual([plan.stable, plan.candidate], [stable, null]);
      assert.ok(plan.shadows.includes(candidate), 'and the candidate learns on');
    }),
  );
});

test('raising the weight within a rollout never moves a subject from the candidate to stable', () => {
  fc.assert(
    fc.property(
      many(anything),
      fc.array(fc.string(), { minLength: 1, maxLength: 20 }),
      (happenings, subjects) => {
        let asked: { rolloutId: string; weight: number; mine: string[] } | undefined;
        run(happenings, (driver) => {
          const { salt, candidate, candidateWeightBp: weight } = driver.plan();
          if (candidate === null) return;
          const mine = subjects.filter((subject) => assignArm(salt, subject, weight) === 'candidate');
          const { rolloutId } = driver.rollout();
          if (asked?.rolloutId === rolloutId && weight >= asked.weight)
            for (const subject of asked.mine) assert.ok(mine.includes(subject));
          asked = { rolloutId, weight, mine };
        });
      },
    ),
  );
});

test('no sequence of anything breaks the plan: one owner, live versions, a candidate only in a live step', () => {
  fc.assert(
    fc.property(many(anything), (happenings) => {
      run(happenings, (driver) => {
        const { plan, rollout, versions } = driver.model();
        const live = versions.filter(({ life }) => life === 'live').map((one) => one.version);
        const everybody = [plan.stable, plan.candidate, ...plan.shadows].filter((one) => one !== null);
        assert.equal(new Set(everybody).size, everybody.length);
        for (const one of everybody) assert.ok(live.includes(one));
        for (const one of live) assert.ok(everybody.includes(one), 'a live version is scored');
        assert.equal(plan.candidate !== null, rollout?.phase === 'canary');
        if (rollout?.phase === 'canary')
          assert.equal(plan.candidateWeightBp, DEFAULT_ROLLOUT_POLICY.stepsBp[rollout.step]);
      });
    }),
  );
});
