import { defineProgram } from '../../support/programs.ts';
import { limits99 } from '../verdicts/clopper-pearson.ts';
import { EQUAL_CASES, MARGIN_CASE, SURE_CASE } from './policy-cases.ts';
import type { PolicyCase, PolicyOutcome } from './policy-cases.ts';
import { RULES } from './rules.ts';

const ALPHA = 0.05;
/** From so many rollouts on the upper limit is held against alpha; below only the lower one. */
const FULL_SIZE = 2500;

/** Alarms of one rule under one condition, with exact 99 % limits of its rate. */
export interface RuleResult {
  readonly name: string;
  readonly condition: string;
  readonly alpha: number;
  readonly rollouts: number;
  readonly alarms: number;
  readonly lower99: number;
  readonly upper99: number;
}

function resultOf(name: string, condition: string, alpha: number, of: readonly boolean[]): RuleResult {
  const alarms = of.filter(Boolean).length;
  return { name, condition, alpha, rollouts: of.length, alarms, ...limits99(alarms, of.length) };
}

function runs<T>(count: number, run: (seed: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => run(1 + index));
}

function faultOf({
  name,
  condition,
  alpha,
  rollouts,
  alarms,
  lower99,
  upper99,
}: RuleResult): string | undefined {
  const of = `${name}, ${condition}: ${String(alarms)} alarms in ${String(rollouts)}`;
  if (lower99 > alpha) return `${of}, lower limit ${lower99.toFixed(4)} above alpha ${String(alpha)}`;
  if (rollouts >= FULL_SIZE && upper99 > alpha)
    return `${of}, upper limit ${upper99.toFixed(4)} above alpha ${String(alpha)}`;
  return undefined;
}

/** Rollouts in which nothing is wrong, looked at after every event. */
export const program = defineProgram({
  about: 'false alarms of every rule and of the whole policy, looked at after every event',
  options: {
    rollouts: { default: FULL_SIZE, min: 20, max: 100_000, help: 'rollouts of each rule and condition' },
  },
  run: ({ rollouts }, say) => {
    const rules: RuleResult[] = [];
    const add = (result: RuleResult): void => {
      rules.push(result);
      const { name, condition, alarms, upper99 } = result;
      say(`${name}, ${condition}: ${String(alarms)} alarms, rate at most ${(100 * upper99).toFixed(2)} %`);
    };
    for (const { name, condition, alpha, alarms } of RULES)
      add(resultOf(name, condition, alpha, runs(rollouts, alarms)));
    const policy = (of: PolicyCase): PolicyOutcome[] => runs(rollouts, of.run);
    for (const of of [...EQUAL_CASES, SURE_CASE]) {
      const rolledBack = policy(of).map(({ isRolledBack }) => isRolledBack);
      add(resultOf('whole policy, roll back', of.condition, ALPHA, rolledBack));
    }
    const atMargin = policy(MARGIN_CASE);
    const { condition } = MARGIN_CASE;
    add(
      resultOf(
        'whole policy, roll back',
        condition,
        ALPHA,
        atMargin.map(({ isRolledBack }) => isRolledBack),
      ),
    );
    add(
      resultOf(
        'whole policy, promote',
        condition,
        ALPHA,
        atMargin.map(({ mayPromote }) => mayPromote),
      ),
    );
    const faults = rules.map(faultOf).filter((fault) => fault !== undefined);
    const worst = rules.reduce((most, { upper99 }) => Math.max(most, upper99), 0);
    const summary = [
      `${String(rules.length)} rules and conditions, ${String(rollouts)} rollouts each`,
      `highest upper 99 % limit of an alarm rate: ${(100 * worst).toFixed(2)} %`,
    ];
    return Promise.resolve({ json: { rules }, summary, faults });
  },
});
