import { after, before } from 'node:test';
import { SERVICES, startFleet } from '../../deploy/fleet/fleet.ts';
import type { Fleet, ServiceName } from '../../deploy/fleet/fleet.ts';
import { createHttpClient } from '../../deploy/demo/http-client.ts';
import type { HttpClient } from '../../deploy/demo/http-client.ts';
import { createOperator } from '../../deploy/demo/operator.ts';
import type { Operator } from '../../deploy/demo/operator.ts';
import { makeRunDirectory } from '../../deploy/local/data-directory.ts';
import type { KafkaListener } from '../../deploy/local/kafka-settings.ts';
import { startStack } from '../../deploy/local/stack.ts';
import type { RunningStack, StackAddresses } from '../../deploy/local/stack.ts';
import { ensureSetup, oneBrokerLayout } from '../../deploy/topics/setup.ts';
import { createKafkaClient } from '../../shared/kafka/client.ts';
import type { KafkaClient } from '../../shared/kafka/client.ts';
import { silentLog } from '../../shared/observability/log.ts';

/** Partitions of the sharded topics in tests. */
export const PARTITIONS = 4;

/** The real components and services of one test file or proof. */
export interface System {
  readonly stack: RunningStack;
  readonly fleet: Fleet;
  readonly kafka: KafkaClient;
  readonly http: HttpClient;
  readonly dataDir: string;
  operator(model: string): Operator;
  url(name: ServiceName, index?: number): string;
}

/** A system whose stop is the caller's. */
export interface StartedSystem extends System {
  stop(): Promise<void>;
}

/** What stands between a service and the components, where it is not the components themselves. */
export type Detours = Partial<Record<ServiceName, Partial<StackAddresses>>>;

/** How a system is started. */
export interface SystemOptions {
  /** How many processes of each service; one when not said. */
  readonly instances?: Partial<Record<ServiceName, number>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Runs once everything is ready. */
  readonly prepare?: (system: System) => Promise<void>;
  /** Further ways into the broker. */
  readonly kafkaListeners?: readonly KafkaListener[];
  /** Returns the addresses that services are given instead of the components' own. */
  readonly detours?: (stack: RunningStack) => Promise<Detours>;
}

/** Starts the services, each with its own addresses, as one fleet. */
async function startServices(
  stack: RunningStack,
  dataDir: string,
  { instances = {}, env = {}, detours }: SystemOptions,
): Promise<Fleet> {
  const taken: Detours = (await detours?.(stack)) ?? {};
  const fleets: Fleet[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(fleets.map((fleet) => fleet.stop()));
  };
  const start = async (names: readonly ServiceName[], addresses: StackAddresses): Promise<void> => {
    const wanted = Object.fromEntries(
      SERVICES.map((name) => [name, names.includes(name) ? (instances[name] ?? 1) : 0]),
    );
    fleets.push(await startFleet({ stack: addresses, dataDir, instances: wanted, env }));
  };
  try {
    await start(
      SERVICES.filter((name) => taken[name] === undefined),
      stack,
    );
    for (const name of SERVICES) {
      const detour = taken[name];
      if (detour === undefined) continue;
      const { kafkaBrokers, redisUrl, schemaRegistryUrl } = stack;
      await start([name], { kafkaBrokers, redisUrl, schemaRegistryUrl, ...detour });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const all = fleets.flatMap((fleet) => fleet.all);
  return {
    all,
    stop,
    one(name, index = 0) {
      const found = all.filter((candidate) => candidate.name === name)[index];
      if (found === undefined) throw new RangeError(`no process ${name} ${String(index)}`);
      return found;
    },
  };
}

/** Returns the stack with topics and schemas and the services, ready. All of it ends with this process, however it ends. */
export async function startSystem(options: SystemOptions = {}): Promise<StartedSystem> {
  const dataDir = makeRunDirectory();
  const stack = await startStack({
    dataDir,
    ephemeral: true,
    ...(options.kafkaListeners && { kafkaListeners: options.kafkaListeners }),
  });
  let fleet: Fleet | undefined;
  try {
    const kafka = createKafkaClient({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'headrace-test',
      log: silentLog,
    });
    const layout = oneBrokerLayout(PARTITIONS);
    const setup = { kafka, schemaRegistryUrl: stack.schemaRegistryUrl, layout };
    await ensureSetup(setup);
    const started = (fleet = await startServices(stack, dataDir, options));
    const http = createHttpClient(32);
    const system: StartedSystem = {
      stack,
      fleet: started,
      kafka,
      http,
      dataDir,
      operator: (model) => createOperator(http, started.one('registry').url, model),
      url: (name, index = 0) => started.one(name, index).url,
      async stop() {
        http.close();
        await started.stop();
        await stack.stop();
      },
    };
    await options.prepare?.(system);
    return system;
  } catch (error) {
    await fleet?.stop();
    await stack.stop();
    throw error;
  }
}

/** Starts a system before the first test of the file and stops it after the last; it is filled inside tests alone. */
export function useSystem(options: SystemOptions = {}): System {
  let running: StartedSystem | undefined;
  const get = (): StartedSystem => {
    if (running === undefined) throw new TypeError('the system is not started: use it inside a test');
    return running;
  };
  before(async () => {
    running = await startSystem(options);
  });
  after(() => running?.stop());
  return {
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
    operator: (model) => get().operator(model),
    url: (name, index) => get().url(name, index),
  };
}
