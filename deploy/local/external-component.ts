import { HeadraceError, messageOf } from '../../shared/errors.ts';
import type { StackComponent } from './component.ts';
import { askKafka } from './kafka-probe.ts';
import type { ManagedComponent } from './managed-component.ts';
import { askRedis } from './redis-probe.ts';
import { askSchemaRegistry } from './schema-registry-probe.ts';

/** The setting that names an existing component to use instead of starting one. */
export const ADDRESS_SETTINGS = {
  kafka: 'KAFKA_BROKERS',
  redis: 'REDIS_URL',
  'schema-registry': 'SCHEMA_REGISTRY_URL',
} as const satisfies Record<StackComponent, string>;

async function askAnyBroker(brokers: string): Promise<void> {
  const asked = brokers.split(',').map(async (broker) => {
    const { hostname, port } = new URL(`kafka://${broker.trim()}`);
    await askKafka(hostname, Number(port === '' ? 9092 : port), 5000);
  });
  await Promise.any(asked).catch((error: unknown) => {
    throw error instanceof AggregateError
      ? new Error(error.errors.map(messageOf).join('; '), { cause: error })
      : error;
  });
}

async function ask(name: StackComponent, address: string): Promise<void> {
  switch (name) {
    case 'kafka':
      return askAnyBroker(address);
    case 'redis':
      await askRedis(address, 5000);
      return;
    case 'schema-registry':
      return askSchemaRegistry(address);
  }
}

/** Returns a component that someone else runs: it can be asked, never started or stopped. */
export function externalComponent(name: StackComponent, address: string): ManagedComponent {
  const setting = ADDRESS_SETTINGS[name];
  const refuse = (verb: string) => (): Promise<void> =>
    Promise.reject(
      new HeadraceError(`cannot ${verb} ${name}: ${setting} names one that this stack does not run`, {
        code: 'stack-unavailable',
        retriable: false,
      }),
    );
  const reach = async (): Promise<void> => {
    try {
      await ask(name, address);
    } catch (cause) {
      const message = `${setting}=${address} does not answer: ${messageOf(cause)}; unset it to have ${name} started here`;
      throw new HeadraceError(message, { code: 'stack-unavailable', retriable: true, cause });
    }
  };
  return {
    name,
    title: `${name} (external)`,
    address: () => address,
    isAlive: () => undefined,
    ask: reach,
    start: reach,
    stop: refuse('stop'),
    kill: refuse('kill'),
  };
}
