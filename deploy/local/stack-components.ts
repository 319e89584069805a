import type { StackComponent } from './component.ts';
import { ADDRESS_SETTINGS, externalComponent } from './external-component.ts';
import { createKafkaComponent } from './kafka-component.ts';
import type { KafkaListener } from './kafka-settings.ts';
import { manageComponent } from './managed-component.ts';
import type { ManagedComponent, RunPolicy } from './managed-component.ts';
import { createRedisComponent } from './redis-component.ts';
import { createSchemaRegistryComponent } from './schema-registry-component.ts';
import { readStackState } from './stack-state.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What starting needs; asking and stopping do not. */
export interface StartingDeps {
  readonly java: () => Promise<string>;
  readonly kafkaJars: () => Promise<string>;
  readonly apicurioRelease: () => Promise<string>;
  /** Further ways into the broker, if it is ours; none when not said. */
  readonly kafkaListeners?: readonly KafkaListener[];
}

/** The names, in the order of starting; stopped in reverse. */
export const COMPONENT_NAMES = [
  'redis',
  'kafka',
  'schema-registry',
] as const satisfies readonly StackComponent[];

/**
 * Returns the address that the environment gives for a component that someone else runs. The address of our own, exported in a
 * shell after `stack up`, is not someone else's.
 */
export function externalAddress(name: StackComponent, env: Environment, dataDir: string): string | undefined {
  const given = env[ADDRESS_SETTINGS[name]]?.trim();
  const ours = readStackState(dataDir)[name];
  return given === undefined || given === '' || (ours?.ports !== undefined && ours.address === given)
    ? undefined
    : given;
}

/** Returns the components of the stack in a data directory, in the order of COMPONENT_NAMES; starts nothing. */
export function stackComponents(
  env: Environment,
  policy: RunPolicy,
  deps: StartingDeps,
): readonly ManagedComponent[] {
  const addresses = COMPONENT_NAMES.map((name) => externalAddress(name, env, policy.dataDir));
  const [redisAddress, kafkaAddress, registryAddress] = addresses;
  const { java, kafkaJars, apicurioRelease, kafkaListeners: listeners = [] } = deps;
  const redis =
    redisAddress === undefined
      ? manageComponent(createRedisComponent(), policy)
      : externalComponent('redis', redisAddress);
  const kafka =
    kafkaAddress === undefined
      ? manageComponent(createKafkaComponent({ java, jars: kafkaJars, listeners }), policy)
      : externalComponent('kafka', kafkaAddress);
  const registry =
    registryAddress === undefined
      ? manageComponent(
          createSchemaRegistryComponent({ java, release: apicurioRelease, kafkaBrokers: kafka.address }),
          policy,
        )
      : externalComponent('schema-registry', registryAddress);
  return [redis, kafka, registry];
}
