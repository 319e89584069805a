import type { Arm, TrafficPlan, TrafficTarget } from './events.ts';
import type { FeatureSpec, FeatureValue } from './model-spec.ts';

/**
 * What a prediction names as its plan when no plan assigned it: the request named its version, or a target of the plan
 * named its arm. Plans are numbered from 1, so that it is older than every rollout and evidence for none.
 */
export const UNASSIGNED_PLAN = 0;

/** Returns the targets of a plan, in their order; plans from before there were any have none. */
export function targetsOf(plan: TrafficPlan): readonly TrafficTarget[] {
  return plan.targets ?? [];
}

/** The subjects and values of a target as sets; made once a target. */
const sets = new WeakMap<TrafficTarget, { subjects: ReadonlySet<string>; values: ReadonlySet<string> }>();

function setsOf(target: TrafficTarget): { subjects: ReadonlySet<string>; values: ReadonlySet<string> } {
  const known = sets.get(target);
  if (known !== undefined) return known;
  const made = { subjects: new Set(target.subjects), values: new Set(target.values) };
  sets.set(target, made);
  return made;
}

/**
 * Returns the arm that the first fitting target of a plan names for a request; undefined when none fits. A target with a
 * feature fits rows whose value, written as text, it lists; one without fits the subjects it lists.
 *
 * @param row in the order of `features`
 */
export function targetedArm(
  plan: TrafficPlan,
  subject: string,
  row: readonly FeatureValue[],
  features: readonly FeatureSpec[],
): Arm | undefined {
  for (const target of targetsOf(plan)) {
    const { subjects, values } = setsOf(target);
    if (target.feature === null) {
      if (subjects.has(subject)) return target.arm;
      continue;
    }
    const value = row[features.findIndex(({ name }) => name === target.feature)] ?? null;
    if (value !== null && values.has(String(value))) return target.arm;
  }
  return undefined;
}
