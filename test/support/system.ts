import { after, before } from 'node:test';
import { startFleet } from '../../deploy/fleet/fleet.ts';
import type { Fleet, ServiceName } from '../../deploy/fleet/fleet.ts';
import { createHttpClient } from '../../deploy/demo/http-client.ts';
import type { HttpClient } from '../../deploy/demo/http-client.ts';
import { createOperator } from '../../deploy/demo/operator.ts';
import type { Operator } from '../../deploy/demo/operator.ts';
import { makeRunDirectory } from '../../deploy/local/data-directory.ts';
import { startStack } from '../../deploy/local/stack.ts';
import type { RunningStack } from '../../deploy/local/stack.ts';
import { applySetup, planSetup } from '../../deploy/topics/setup.ts';
import { createKafkaClient } from '../../shared/kafka/client.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { silentLog } from '../../shared/observability/log.ts';

/** Partitions of the sharded topics in tests. */
export const PARTITIONS = 4;

/** The real components and services of one test file. Filled before its first test, stopped after its last. */
export interface System {
  readonly stack: RunningStack;
  readonly fleet: Fleet;
  readonly kafka: KafkaClient;
  readonly http: HttpClient;
  readonly dataDir: string;
  operator(model: string): Operator;
  url(name: ServiceName, index?: number): string;
}

/** How the system of a test file is started. */
export interface SystemOptions {
  /** How many processes of each service; one when not said. */
  readonly instances?: Partial<Record<ServiceName, number>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs once everything is ready, before the first test. */
  readonly prepare?: (system: System) => Promise<void>;
}

/** Starts the stack with topics and schemas and the services before the first test of the file. */
export function useSystem({ instances = {}, env = {}, prepare }: SystemOptions = {}): System {
  let running: Omit<System, 'operator' | 'url'> | undefined;
  const get = (): Omit<System, 'operator' | 'url'> => {
    if (running === undefined) throw new TypeError('the system is not started: use it inside a test');
    return running;
  };
  before(async () => {
    const dataDir = makeRunDirectory();
    const stack = await startStack({ dataDir, ephemeral: true });
    const kafka = createKafkaClient({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'headrace-test',
      log: silentLog,
    });
    const layout = { partitions: PARTITIONS, replicationFactor: 1, minInsyncReplicas: 1 };
    const setup = { kafka, schemaRegistryUrl: stack.schemaRegistryUrl, layout };
    await applySetup(setup, await planSetup(setup));
    const fleet = await startFleet({ stack, dataDir, instances, env });
    running = { stack, fleet, kafka, dataDir, http: createHttpClient(32) };
    await prepare?.(system);
  });
  after(async () => {
    running?.http.close();
    await running?.fleet.stop();
    await running?.stack.stop();
  });
  const system: System = {
    get stack() {
      return get().stack;
    },
    get fleet() {
      return get().fleet;
    },
    get kafka() {
      return get().kafka;
    },
    get http() {
      return get().http;
    },
    get dataDir() {
      return get().dataDir;
    },
    operator: (model) => createOperator(get().http, get().fleet.one('registry').url, model),
    url: (name, index = 0) => get().fleet.one(name, index).url,
  };
  return system;
}
