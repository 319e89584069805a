import type { Predictions, Scores, TrainingEvents } from '../../../shared/domain/events.ts';
import type { ModelDirectory } from '../../../shared/domain/model-directory.ts';
import { rolloutPolicyOf } from '../../../shared/domain/model-spec.ts';

/** A record of one of the monitored topics. */
export type MonitoredValue = TrainingEvents | Predictions | Scores;

function newestPlan(value: MonitoredValue): number {
  let newest = 0;
  if ('predictions' in value)
    for (const { planVersion } of value.predictions) newest = Math.max(newest, planVersion);
  else if ('featureNames' in value)
    for (const { served } of value.events) newest = Math.max(newest, served?.planVersion ?? 0);
  return newest;
}

/**
 * Returns whether the version log must be read to its end before a record is taken, so that what the record is
 * evidence of is a function of the logs and not of how fast each is read: its model is unknown, it names a plan that
 * is newer than the known one, or it holds the learner's scores, which name no plan, and the policy takes evidence
 * from there.
 */
export function needsVersions(value: MonitoredValue, directory: ModelDirectory): boolean {
  const model = directory.get(value.model);
  if (model === undefined) return true;
  if ('versions' in value) return rolloutPolicyOf(model.spec).evidenceFrom === 'learner';
  return newestPlan(value) > model.plan.planVersion;
}
