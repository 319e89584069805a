import { WHOLE_BP } from '../../../shared/domain/assignment.ts';
import type { TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { targetsOf } from '../../../shared/domain/traffic-target.ts';
import type { WantedTraffic } from './commands.ts';
import type { Refusal } from './refusal.ts';
import { targetsFault } from './targets-fault.ts';

function fault(message: string, kind: Refusal['kind'] = 'invalid'): { refusal: Refusal } {
  return { refusal: { kind, message } };
}

/** Returns why a version may not take a part in traffic, or undefined when it may. */
function versionFault(model: ModelState, version: number, part: string): { refusal: Refusal } | undefined {
  const known = model.versions.find((one) => one.version === version);
  const words = `${part} ${String(version)}`;
  if (known === undefined)
    return fault(`${words}: model ${model.spec.name} has no such version`, 'not-found');
  if (known.life === 'retired') return fault(`${words}: the version is retired`, 'conflict');
  if (known.life === 'registered')
    return fault(`${words}: the version is not live yet, its learner has not begun`, 'conflict');
  if (part !== 'shadow' && !known.isApproved)
    return fault(`${words}: the version is not approved`, 'conflict');
  return undefined;
}

/**
 * Returns the complete plan an operator wants, or why it cannot be. The plan's number is given when it is recorded.
 *
 * @param ifPlanVersion number of the plan the operator has seen; another one means a lost update
 */
export function planTraffic(
  model: ModelState,
  wanted: WantedTraffic,
  ifPlanVersion: number,
): { readonly plan: TrafficPlan } | { readonly refusal: Refusal } {
  const { plan: current, spec } = model;
  if (ifPlanVersion !== current.planVersion) {
    const message = `the plan is version ${String(current.planVersion)}, If-Match names ${String(ifPlanVersion)}`;
    return fault(message, 'precondition-failed');
  }
  const { stable, candidate, candidateWeightBp } = wanted;
  if (stable === null && candidate !== null)
    return fault('candidate without stable: name the version that owns traffic by default');
  if (stable !== null && stable === candidate)
    return fault(`candidate ${String(candidate)} is the stable version`);
  if (candidate === null && candidateWeightBp !== 0) {
    return fault(`candidateWeightBp ${String(candidateWeightBp)}, allowed 0 without a candidate`);
  }
  if (candidateWeightBp < 0 || candidateWeightBp > WHOLE_BP) {
    return fault(`candidateWeightBp ${String(candidateWeightBp)}, allowed 0 … ${String(WHOLE_BP)}`);
  }
  const targets = wanted.targets ?? targetsOf(current);
  const badTargets = targetsFault(targets, spec);
  if (badTargets !== undefined) return fault(badTargets);
  const live = model.versions.filter(({ life }) => life === 'live').map(({ version }) => version);
  const shadows = [...new Set(wanted.shadows ?? live)]
    .filter((one) => one !== stable && one !== candidate)
    .sort((a, b) => a - b);
  const parts: [number | null, string][] = [
    [stable, 'stable'],
    [candidate, 'candidate'],
    ...shadows.map((one): [number, string] => [one, 'shadow']),
  ];
  for (const [version, part] of parts) {
    const found = version === null ? undefined : versionFault(model, version, part);
    if (found !== undefined) return found;
  }
  const isSameCandidate = candidate === current.candidate;
  const salt =
    wanted.salt ??
    (isSameCandidate ? current.salt : `${String(current.planVersion)}/${String(candidate)}/${spec.name}`);
  return {
    plan: {
      model: spec.name,
      planVersion: current.planVersion,
      stable,
      candidate,
      candidateWeightBp,
      shadows,
      salt: salt.slice(0, 64),
      targets,
    },
  };
}
