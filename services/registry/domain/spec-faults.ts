import type { ModelSpec } from '../../../shared/domain/model-spec.ts';
import { policyFaults } from './policy-faults.ts';
import type { SpecFault } from './spec-fault.ts';

/**
 * Returns every fault of a spec that no single field shows: names used twice, crosses of what does not exist, a rollout
 * policy at odds with itself.
 */
export function specFaults(spec: ModelSpec): SpecFault[] {
  const faults: SpecFault[] = [];
  const types = new Map<string, string>();
  spec.features.forEach(({ name, type }, index) => {
    if (types.has(name))
      faults.push({ field: `features.${String(index)}.name`, message: `"${name}" is declared twice` });
    types.set(name, type);
  });
  const seen = new Set<string>();
  spec.crosses.forEach((cross, index) => {
    const field = `crosses.${String(index)}`;
    for (const name of cross) {
      const type = types.get(name);
      if (type === undefined) faults.push({ field, message: `"${name}" is not a declared feature` });
      if (type === 'numeric')
        faults.push({ field, message: `"${name}" is numeric, allowed categorical and boolean` });
    }
    if (new Set(cross).size < cross.length) faults.push({ field, message: 'names a feature twice' });
    const key = [...cross].sort().join('*');
    if (seen.has(key)) faults.push({ field, message: 'is declared twice' });
    seen.add(key);
  });
  return spec.rollout === undefined ? faults : [...faults, ...policyFaults(spec.rollout, spec.label)];
}
