import { WHOLE_BP } from '../../../shared/domain/assignment.ts';
import type { LabelSpec } from '../../../shared/domain/model-spec.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { SpecFault } from './spec-fault.ts';

function stepFaults(stepsBp: readonly number[]): SpecFault[] {
  const faults: SpecFault[] = [];
  stepsBp.forEach((step, index) => {
    const before = stepsBp[index - 1];
    if (before !== undefined && step <= before) {
      const message = `${String(step)}, allowed more than the step before, ${String(before)}`;
      faults.push({ field: `rollout.stepsBp.${String(index)}`, message });
    }
  });
  const last = stepsBp.at(-1);
  if (last !== WHOLE_BP) {
    const message = `ends in ${String(last)}, allowed ${String(WHOLE_BP)}: the last step is everybody`;
    faults.push({ field: 'rollout.stepsBp', message });
  }
  return faults;
}

/** Returns every fault of a policy that no single field shows. */
export function policyFaults(policy: RolloutPolicy, label: LabelSpec): SpecFault[] {
  const { stepsBp, objectives, holdMinMs, holdMaxMs } = policy;
  const { promoteMarginNats, rollbackMarginNats } = objectives.loss;
  const faults = stepFaults(stepsBp);
  if (rollbackMarginNats < promoteMarginNats) {
    const limit = `at least promoteMarginNats ${String(promoteMarginNats)}: else one truth promotes and rolls back`;
    const message = `${String(rollbackMarginNats)}, allowed ${limit}`;
    faults.push({ field: 'rollout.objectives.loss.rollbackMarginNats', message });
  }
  if (holdMaxMs < holdMinMs) {
    const message = `${String(holdMaxMs)}, allowed at least holdMinMs ${String(holdMinMs)}`;
    faults.push({ field: 'rollout.holdMaxMs', message });
  }
  const waitsForWindow = policy.evidenceFrom === 'served' && !policy.isLabelDelayIndependent;
  if (waitsForWindow && holdMaxMs <= label.windowMs) {
    const limit = `more than label.windowMs ${String(label.windowMs)}: no pair counts before its label window has closed`;
    faults.push({ field: 'rollout.holdMaxMs', message: `${String(holdMaxMs)}, allowed ${limit}` });
  }
  return faults;
}
