import type { TObject } from 'typebox';
import { ingestSettings } from '../../../services/ingest/config.ts';
import { monitorSettings } from '../../../services/monitor/config.ts';
import { onlineLearnerSettings } from '../../../services/online-learner/config.ts';
import { registrySettings } from '../../../services/registry/config.ts';
import { routerRelations, routerSettings } from '../../../services/router/config.ts';
import { loadConfig } from '../../../shared/config/load-config.ts';

type Environment = Readonly<Record<string, string>>;

/** One setting as a schema declares it. */
export interface Setting {
  readonly name: string;
  readonly default: string;
  /** What is allowed, in words. */
  readonly range: string;
  readonly description: string;
}

/** The settings of one service. */
export interface ServiceSettings {
  readonly settings: readonly Setting[];
  /** Returns the settings of an environment; throws when it is not allowed. */
  readonly load: (environment: Environment) => Readonly<Record<string, unknown>>;
}

interface Declared {
  readonly default: string | number;
  readonly description: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
}

function rangeOf(declared: Declared): string {
  if (declared.enum !== undefined) return declared.enum.join(', ');
  if (declared.minimum !== undefined)
    return `${String(declared.minimum)} … ${String(declared.maximum ?? 'any')}`;
  const parts = [
    declared.minLength === undefined ? undefined : 'not empty',
    declared.maxLength === undefined ? undefined : `at most ${String(declared.maxLength)} characters`,
    declared.pattern,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? 'any text' : parts.join(', ');
}

function settingsOf(schema: TObject): Setting[] {
  return Object.entries(schema.properties).map(([name, given]) => {
    const declared = given as unknown as Declared;
    return {
      name,
      default: String(declared.default),
      range: rangeOf(declared),
      description: declared.description,
    };
  });
}

function service<Schema extends TObject>(
  schema: Schema,
  relations: Parameters<typeof loadConfig<Schema>>[2] = [],
): ServiceSettings {
  return {
    settings: settingsOf(schema),
    load: (environment) => loadConfig(schema, environment, relations),
  };
}

/** The services with their settings, by name. */
export const SERVICE_SETTINGS: ReadonlyMap<string, ServiceSettings> = new Map([
  ['router', service(routerSettings, routerRelations)],
  ['ingest', service(ingestSettings)],
  ['online-learner', service(onlineLearnerSettings)],
  ['registry', service(registrySettings)],
  ['monitor', service(monitorSettings)],
]);
