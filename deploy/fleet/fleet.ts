import { join, resolve } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import { endProcess, forgetPid, spawnComponent } from '../local/component-process.ts';
import { CACHE_DIR } from '../local/data-directory.ts';
import { endOfLog, logSize } from '../local/log-tail.ts';
import { choosePorts } from '../local/ports.ts';
import { isRunning } from '../local/process-identity.ts';
import type { ProcessIdentity } from '../local/process-identity.ts';
import type { StackAddresses } from '../local/stack.ts';
import { waitUntil } from '../local/wait-until.ts';

/** The five services, in the order in which they are started; any order works. */
export const SERVICES = ['registry', 'online-learner', 'ingest', 'monitor', 'router'] as const;

/** One of the five services. */
export type ServiceName = (typeof SERVICES)[number];

const REPOSITORY = resolve(import.meta.dirname, '../..');
const READY_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 15_000;
/** Memory limit of a service's process: the heap, MB. */
const NODE_OPTIONS = ['--max-old-space-size=256'];
/** Half of a heap's young generation, MB. */
const SEMI_SPACE_MB = 8;
/**
 * A router's is twice as large: a request that waits is then answered before two collections have passed, after which it would be
 * in the old generation, and stay. It is so large from the start, not only when it is needed.
 */
const ROUTER_SEMI_SPACE_MB = 16;
/**
 * By what part a heap may grow before it is collected, %. One of some 30 MB is let grow to three times that: the buffers that Kafka's
 * records come in would have it collected for every 20,000 events. A router's is not, because under overload it would all be
 * taken; and its requests leave little that lives so long.
 */
const HEAP_GROWING_PERCENT = 200;
const ROUTER_HEAP_GROWING_PERCENT = 50;

const STANDARD_PORT: Readonly<Record<ServiceName, number>> = {
  router: 8080,
  ingest: 8082,
  'online-learner': 8083,
  registry: 8084,
  monitor: 8085,
};

/** How the services are started. */
export interface FleetOptions {
  readonly stack: StackAddresses;
  /** Where logs and pid files go. */
  readonly dataDir: string;
  /** How many of each; one when not said, none for 0. */
  readonly instances?: Partial<Record<ServiceName, number>>;
  /** Settings for all, over the defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** 8080 … 8085 where they are free. */
  readonly preferStandardPorts?: boolean;
  readonly onProgress?: (line: string) => void;
}

/** One process of a service. */
export interface ServiceProcess {
  readonly name: ServiceName;
  readonly url: string;
  /** Where a router speaks gRPC, host:port; empty for the other services. */
  readonly grpcAddress: string;
  readonly logFile: string;
  /** Process id while it runs. */
  readonly pid: () => number | undefined;
  readonly isRunning: () => boolean;
  /**
   * Starts it, again or for the first time, on the same port; resolves when it runs, not when it is ready.
   *
   * @param env settings of this run alone, over all others
   */
  start(env?: Readonly<Record<string, string>>): Promise<void>;
  /**
   * Resolves when /readyz says ready. Throws `stack-unavailable` with what it last said when the limit has passed, and with the end of
   * its log at once when it ended without ever having been ready.
   */
  untilReady(limitMs?: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** SIGTERM, and SIGKILL after a limit. */
  stop(): Promise<void>;
}

/** All processes of all services. */
export interface Fleet {
  /** Returns a process; throws RangeError when there is none. */
  one(name: ServiceName, index?: number): ServiceProcess;
  readonly all: readonly ServiceProcess[];
  stop(): Promise<void>;
}

function serviceProcess(
  name: ServiceName,
  index: number,
  [port, grpcPort]: readonly [number, number],
  options: FleetOptions & { readonly registryUrl: string | undefined },
): ServiceProcess {
  const tag = index === 0 ? name : `${name}-${String(index + 1)}`;
  const pidFile = join(options.dataDir, `${tag}.pid`);
  const logFile = join(options.dataDir, 'logs', `${tag}.log`);
  const url = `http://127.0.0.1:${String(port)}`;
  let running: ProcessIdentity | undefined;
  let logStart = 0;
  let wasReady = false;
  const settings = {
    KAFKA_BROKERS: options.stack.kafkaBrokers,
    REDIS_URL: options.stack.redisUrl,
    SCHEMA_REGISTRY_URL: options.stack.schemaRegistryUrl,
    HTTP_PORT: String(port),
    ...(name === 'router' ? { GRPC_PORT: String(grpcPort) } : {}),
    ...(name === 'monitor' && options.registryUrl !== undefined ? { REGISTRY_URL: options.registryUrl } : {}),
    INSTANCE_ID: tag,
    DATA_DIR: join(options.dataDir, tag),
    // Kept compiled code, type-stripping included, halves the CPU time of a start.
    NODE_COMPILE_CACHE: join(CACHE_DIR, 'compiled'),
    ...options.env,
  };

  function heapOptions(): string[] {
    if (name !== 'router')
      return [
        `--max-semi-space-size=${String(SEMI_SPACE_MB)}`,
        `--heap-growing-percent=${String(HEAP_GROWING_PERCENT)}`,
      ];
    return [
      `--min-semi-space-size=${String(ROUTER_SEMI_SPACE_MB)}`,
      `--max-semi-space-size=${String(ROUTER_SEMI_SPACE_MB)}`,
      `--heap-growing-percent=${String(ROUTER_HEAP_GROWING_PERCENT)}`,
    ];
  }

  function ended(): HeadraceError {
    const message = `${tag} has ended; ${endOfLog(logFile, logStart)}`;
    // one that was ready once may be started again by who looks after it while it is waited for
    return new HeadraceError(message, { code: 'stack-unavailable', retriable: wasReady });
  }

  async function end(limitMs: number): Promise<void> {
    const ending = running;
    running = undefined;
    if (ending === undefined) return;
    await endProcess(ending, limitMs);
    forgetPid(pidFile);
  }

  return {
    name,
    url,
    grpcAddress: name === 'router' ? `127.0.0.1:${String(grpcPort)}` : '',
    logFile,
    pid: () => running?.pid,
    isRunning: () => running !== undefined && isRunning(running),
    async start(more = {}) {
      logStart = logSize(logFile);
      const env = Object.entries({ ...settings, ...more }).map(([key, value]) => `${key}=${value}`);
      running = await spawnComponent({
        command: 'env',
        args: [
          ...env,
          'MALLOC_ARENA_MAX=2',
          process.execPath,
          ...NODE_OPTIONS,
          ...heapOptions(),
          join(REPOSITORY, 'services', name, 'main.ts'),
        ],
        cwd: REPOSITORY,
        pidFile,
        logFile,
        watch: {},
      });
    },
    untilReady: (limitMs = READY_LIMIT_MS) =>
      waitUntil(
        async () => {
          if (running !== undefined && !isRunning(running)) throw ended();
          const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2000) });
          if (answer.status !== 200) throw new Error(await answer.text());
          wasReady = true;
        },
        { what: `${tag} to be ready`, limitMs },
      ),
    kill: () => end(0),
    stop: () => end(STOP_LIMIT_MS),
  };
}

/** Returns the services as processes of this machine, ready. They end with this process, however it ends. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const wanted = SERVICES.flatMap((name) =>
    Array.from({ length: options.instances?.[name] ?? 1 }, (_, index) => ({ name, index })),
  );
  const all: ServiceProcess[] = [];
  for (const { name, index } of wanted) {
    const preferred = options.preferStandardPorts === true && index === 0 ? [STANDARD_PORT[name]] : [];
    const [port = 0, grpcPort = -1] = await choosePorts(name === 'router' ? 2 : 1, preferred);
    const registryUrl = all.find((started) => started.name === 'registry')?.url;
    const one = serviceProcess(name, index, [port, grpcPort], { ...options, registryUrl });
    all.push(one);
    await one.start();
  }
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((one) => one.stop()));
  };
  try {
    await Promise.all(
      all.map(async (one) => {
        const startMs = performance.now();
        await one.untilReady();
        const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
        options.onProgress?.(`${one.name.padEnd(16)} ready in ${seconds} s on ${one.url}`);
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
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
