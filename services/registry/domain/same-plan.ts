import type { TrafficPlan } from '../../../shared/domain/events.ts';
import { targetsOf } from '../../../shared/domain/traffic-target.ts';

/** Returns whether two plans route alike, whatever their numbers are. */
export function isSamePlan(a: TrafficPlan, b: TrafficPlan): boolean {
  return (
    a.stable === b.stable &&
    a.candidate === b.candidate &&
    a.candidateWeightBp === b.candidateWeightBp &&
    a.salt === b.salt &&
    a.shadows.join() === b.shadows.join() &&
    JSON.stringify(targetsOf(a)) === JSON.stringify(targetsOf(b))
  );
}
