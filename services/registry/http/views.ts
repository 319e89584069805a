import type { ModelVersionEvent, TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState, RolloutBody, VersionState } from '../../../shared/domain/model-directory.ts';
import type { ValidationReport } from '../../../shared/domain/rollout.ts';
import { targetsOf } from '../../../shared/domain/traffic-target.ts';
import type { RolloutView } from '../rollouts.ts';

/** Returns a traffic plan as clients see it. */
export function planView(plan: TrafficPlan): object {
  const { planVersion, stable, candidate, candidateWeightBp, shadows, salt } = plan;
  const targets = targetsOf(plan).map((one) => {
    const { arm, subjects, feature, values } = one;
    return feature === null ? { arm, subjects: [...subjects] } : { arm, feature, values: [...values] };
  });
  return { planVersion, stable, candidate, candidateWeightBp, shadows: [...shadows], salt, targets };
}

/** Returns a version as clients see it. */
export function versionView({ isApproved, learner, ...version }: VersionState): object {
  const how = version.published === undefined ? { learner } : {};
  return { ...version, ...how, approved: isApproved };
}

/** Returns a model as clients see it. */
export function modelView({ spec, createdAtMs, versions, plan }: ModelState): object {
  return { name: spec.name, createdAtMs, spec, versions: versions.map(versionView), traffic: planView(plan) };
}

/** Returns an event of the log as clients see it. */
export function eventView({ body, plan, ...event }: ModelVersionEvent): object {
  return { ...event, body: JSON.parse(body) as unknown, traffic: planView(plan) };
}

/** Returns a rollout as clients see it. */
export function rolloutView({ plan, queued, waitsFor, verdict, routers, ...view }: RolloutView): object {
  const said = verdict === null ? null : { ...verdict, evidence: { ...verdict.evidence } };
  return {
    ...view,
    queued: [...queued],
    traffic: planView(plan),
    waitsFor: [...waitsFor],
    verdict: said,
    routers: routers.map((one) => ({ ...one, versions: [...one.versions] })),
  };
}

/** Returns the newest report of the validation suite with which a version got its first traffic; null when it got none. */
export function validationOf(
  history: readonly ModelVersionEvent[],
  version: number,
): ValidationReport | null {
  const reports = history.flatMap((event) => {
    if (event.kind !== 'RolloutAdvanced' || event.version !== version) return [];
    return (JSON.parse(event.body) as RolloutBody).validation ?? [];
  });
  return reports.at(-1) ?? null;
}
