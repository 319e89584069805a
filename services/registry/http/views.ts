import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState, VersionState } from '../../../shared/domain/model-directory.ts';

/** Returns a traffic plan as clients see it. */
export function planView(plan: TrafficPlan): object {
  const { planVersion, stable, candidate, candidateWeightBp, shadows, salt } = plan;
  return { planVersion, stable, candidate, candidateWeightBp, shadows: [...shadows], salt };
}

/** Returns a version as clients see it. */
export function versionView({ isApproved, ...version }: VersionState): object {
  return { ...version, approved: isApproved };
}

/** Returns a model as clients see it. */
export function modelView({ spec, createdAtMs, versions, plan }: ModelState): object {
  return { name: spec.name, createdAtMs, spec, versions: versions.map(versionView), traffic: planView(plan) };
}

/** Returns an event of the log as clients see it. */
export function eventView({ body, plan, ...event }: ModelVersionEvent): object {
  return { ...event, body: JSON.parse(body) as unknown, traffic: planView(plan) };
}
