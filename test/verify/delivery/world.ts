import { choosePorts } from '../../../deploy/local/ports.ts';
import type { RunningStack, StackAddresses } from '../../../deploy/local/stack.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import type { FaultProxy } from '../../support/fault-proxy.ts';
import { startSystem } from '../../support/system.ts';
import type { Detours, StartedSystem } from '../../support/system.ts';

/** The links that faults happen on, from who asks to who answers. */
export const LINKS = [
  'client-ingest',
  'ingest-kafka',
  'ingest-redis',
  'learner-kafka',
  'learner-redis',
] as const;

/** One of the links. */
export type LinkName = (typeof LINKS)[number];

/** The real system, ingest and the learner reached and reaching through links that can fail. */
export interface World {
  readonly system: StartedSystem;
  readonly links: Readonly<Record<LinkName, FaultProxy>>;
  /** Where clients reach ingest: the near end of their link. */
  readonly ingestUrl: string;
  stop(): Promise<void>;
}

function portOf(url: string): number {
  return Number(new URL(url.includes('://') ? url : `tcp://${url}`).port);
}

/**
 * Returns the system, ready. The broker tells each of the two services to come back by a listener of its own, whose
 * advertised port is that service's link: otherwise they would go round it after their first request.
 */
export async function startWorld(): Promise<World> {
  const [forIngest = 0, forLearner = 0] = await choosePorts(2, []);
  const opened: FaultProxy[] = [];
  const open = async (port: number): Promise<FaultProxy> => {
    const proxy = await startFaultProxy({ target: { port } });
    opened.push(proxy);
    return proxy;
  };
  const closeAll = async (): Promise<void> => {
    await Promise.all(opened.map((proxy) => proxy.stop()));
  };
  try {
    const kafka = { ingest: await open(forIngest), learner: await open(forLearner) };
    const redis: { ingest?: FaultProxy; learner?: FaultProxy } = {};
    const detours = async (stack: RunningStack): Promise<Detours> => {
      const ingest = (redis.ingest = await open(portOf(stack.redisUrl)));
      const learner = (redis.learner = await open(portOf(stack.redisUrl)));
      const through = (toKafka: FaultProxy, toRedis: FaultProxy): Partial<StackAddresses> => ({
        kafkaBrokers: `127.0.0.1:${String(toKafka.port)}`,
        redisUrl: `redis://127.0.0.1:${String(toRedis.port)}`,
      });
      return {
        ingest: through(kafka.ingest, ingest),
        'online-learner': through(kafka.learner, learner),
      };
    };
    const system = await startSystem({
      instances: { monitor: 0 },
      kafkaListeners: [
        { name: 'INGEST', port: forIngest, advertisedPort: kafka.ingest.port },
        { name: 'LEARNER', port: forLearner, advertisedPort: kafka.learner.port },
      ],
      detours,
    });
    const client = await open(portOf(system.url('ingest')));
    if (redis.ingest === undefined || redis.learner === undefined)
      throw new TypeError('the links to Redis were not opened');
    return {
      system,
      ingestUrl: `http://127.0.0.1:${String(client.port)}`,
      links: {
        'client-ingest': client,
        'ingest-kafka': kafka.ingest,
        'ingest-redis': redis.ingest,
        'learner-kafka': kafka.learner,
        'learner-redis': redis.learner,
      },
      async stop() {
        await system.stop();
        await closeAll();
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}
