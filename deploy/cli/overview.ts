import type { ModelSpec } from '../../shared/domain/model-spec.ts';
import type { RolloutEventView } from '../../shared/domain/operator-views.ts';
import type { RolloutPolicy } from '../../shared/domain/rollout-policy.ts';
import type { RolloutState, VerdictEvidence } from '../../shared/domain/rollout.ts';
import { CliError } from './io.ts';
import { modelPath } from './services.ts';
import type { Services } from './services.ts';

/** A version as the registry shows it. */
export interface VersionView {
  readonly version: number;
  readonly parent: number | null;
  readonly mode: string;
  readonly life: 'registered' | 'live' | 'retired';
  readonly approved: boolean;
  readonly bornPosition: number | null;
  readonly registeredAtMs: number;
}

/** A traffic plan as the registry shows it. */
export interface PlanView {
  readonly planVersion: number;
  readonly stable: number | null;
  readonly candidate: number | null;
  readonly candidateWeightBp: number;
  readonly shadows: readonly number[];
}

/** A model as the registry shows it. */
export interface ModelView {
  readonly name: string;
  readonly createdAtMs: number;
  readonly spec: ModelSpec;
  readonly versions: readonly VersionView[];
  readonly traffic: PlanView;
}

/** A rollout as the registry shows it. */
export interface RolloutView {
  readonly rollout: RolloutState | null;
  readonly queued: readonly number[];
  readonly policy: RolloutPolicy;
  readonly waitsFor: readonly string[];
  readonly verdict: { readonly value: string; readonly evidence: VerdictEvidence } | null;
  readonly last: RolloutEventView | null;
}

/** What the monitor has measured, as far as it is shown. */
export interface ReportView {
  readonly lag: Readonly<Record<string, number>>;
  readonly freshnessMs: Readonly<Record<string, number | null>>;
  readonly stalenessMs: Readonly<Record<string, number | null>>;
  readonly versions: readonly {
    readonly version: number;
    readonly predictions: { readonly served: number; readonly scored: number; readonly failed: number };
    readonly learner: Readonly<Record<string, number | null>>;
  }[];
}

/** Everything that is shown of one model. What a service does not say is null, with the reason among `missing`. */
export interface Overview {
  readonly model: ModelView;
  readonly rollout: RolloutView | null;
  readonly report: ReportView | null;
  readonly missing: readonly string[];
}

/** Returns what there is to see of a model. Throws only when the registry does not say that it exists. */
export async function overviewOf(services: Services, name: string): Promise<Overview> {
  const missing: string[] = [];
  const orNull = async <T>(what: string, asked: Promise<T>): Promise<T | null> => {
    try {
      return await asked;
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      missing.push(`${what}: ${error.message.split('\n')[0] ?? ''}`);
      return null;
    }
  };
  const model = await services.ask<ModelView>('registry', modelPath(name));
  const [rollout, report] = await Promise.all([
    orNull('rollout', services.ask<RolloutView>('registry', modelPath(name, '/rollout'))),
    orNull('figures', services.ask<ReportView>('monitor', modelPath(name, '/report'))),
  ]);
  return { model, rollout, report, missing };
}

/** Returns all models. */
export async function allModels(services: Services): Promise<readonly ModelView[]> {
  return (await services.ask<{ models: ModelView[] }>('registry', '/v1/models')).models;
}
