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
  const leader = metrics.gauge('headrace_registry_leader', '1 while this registry decides.');
  leader.set(0);
  return {
    leads: () => {
      leader.set(1);
    },
    recorded(event) {
      recorded.inc({ kind: event.kind });
      weight.set({ model: event.model }, event.plan.candidateWeightBp);
    },
    refused: (command) => {
      refused.inc({ command });
    },
  };
}
