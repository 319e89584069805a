import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';

/** Returns why a model's rollout forbids to end a version; undefined when it does not. */
export function retireFault({ rollout }: ModelState, version: number): string | undefined {
  if (rollout === null) return undefined;
  const { phase, candidate, stable, baseline } = rollout;
  const named = `version ${String(version)}`;
  if (isUnderWay(phase) && [candidate, stable, baseline].includes(version))
    return `${named} takes part in the rollout of version ${String(candidate)}: abort it first (POST …/rollout/abort)`;
  if (phase === 'full' && stable === version)
    return `${named} is the way back from version ${String(candidate)}: close the rollback window first (POST …/rollout/close)`;
  return undefined;
}

/** Returns why a model's rollout forbids to set traffic by hand; undefined when it does not. */
export function trafficFault({ rollout }: ModelState): string | undefined {
  if (rollout === null || !isUnderWay(rollout.phase)) return undefined;
  return `a rollout of version ${String(rollout.candidate)} is under way: abort it first (POST …/rollout/abort)`;
}
