import type { RolloutBody } from '../../shared/domain/model-directory.ts';
import { isUnderWay } from '../../shared/domain/rollout.ts';
import type { Metrics } from '../../shared/observability/metrics.ts';
import type { RegistryObserver } from './ports.ts';

/** Returns the registry's metrics behind the names the service uses. */
export function createRegistryMetrics(metrics: Metrics): RegistryObserver {
  const recorded = metrics.counter('headrace_registry_events_total', 'Events folded from the version log.', [
    'kind',
  ]);
  const refused = metrics.counter('headrace_registry_refused_total', 'Commands refused, by command.', [
    'command',
  ]);
  const weight = metrics.gauge(
    'headrace_registry_candidate_weight_basis_points',
    'Share of subjects assigned to the candidate.',
    ['model'],
  );
  const planVersion = metrics.gauge('headrace_registry_plan_version', 'Traffic plan in force.', ['model']);
  const leader = metrics.gauge('headrace_registry_leader', '1 while this registry decides.');
  leader.set(0);
  const verdicts = metrics.counter(
    'headrace_registry_verdicts_total',
    'Verdicts heard, by what became of them: taken, noted, malformed, or why they are ignored.',
    ['value', 'result'],
  );
  const underWay = metrics.gauge(
    'headrace_registry_rollout_under_way',
    '1 while a rollout of the model is under way.',
    ['model'],
  );
  const paused = metrics.gauge(
    'headrace_registry_rollout_paused',
    '1 while the rollout under way is paused.',
    ['model'],
  );
  const routers = metrics.gauge(
    'headrace_registry_live_routers',
    'Routers that have reported within 15 s, as the leader hears them.',
  );
  return {
    leads: () => {
      leader.set(1);
    },
    recorded(event) {
      recorded.inc({ kind: event.kind });
      weight.set({ model: event.model }, event.plan.candidateWeightBp);
      planVersion.set({ model: event.model }, event.plan.planVersion);
      if (!event.kind.startsWith('Rollout')) return;
      const { rollout } = JSON.parse(event.body) as RolloutBody;
      const isMoving = rollout !== null && isUnderWay(rollout.phase);
      underWay.set({ model: event.model }, isMoving ? 1 : 0);
      paused.set({ model: event.model }, isMoving && rollout.pausedBecause !== null ? 1 : 0);
    },
    verdict: (value, result) => {
      verdicts.inc({ value, result });
    },
    liveRouters: (count) => {
      routers.set(count);
    },
    refused: (command) => {
      refused.inc({ command });
    },
  };
}
