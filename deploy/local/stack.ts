import { rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import { assembleStack } from './assemble-stack.ts';
import type { StackComponent } from './component.ts';
import { DEFAULT_DATA_DIR, makeRunDirectory, withDataDirectory } from './data-directory.ts';
import type { KafkaListener } from './kafka-settings.ts';
import { byName, startComponents, stopComponents } from './start-order.ts';

export type { StackComponent } from './component.ts';

/** Where the components of a stack are reached. */
export interface StackAddresses {
  /** 'host:port', several with commas. */
  readonly kafkaBrokers: string;
  readonly redisUrl: string;
  /** The Confluent API: ends in /apis/ccompat/v7 when the stack runs it. */
  readonly schemaRegistryUrl: string;
}

/** A stack whose three components answer. */
export interface RunningStack extends StackAddresses {
  /** Stops one component: SIGTERM, and SIGKILL after a limit. Throws `stack-unavailable` for one this stack does not run. */
  stopComponent(name: StackComponent): Promise<void>;
  /** Ends one component with SIGKILL. Throws like stopComponent. */
  killComponent(name: StackComponent): Promise<void>;
  /** Starts one component again on the same port and data; returns once it answers. Does nothing when it runs. */
  startComponent(name: StackComponent): Promise<void>;
  /** Stops all that this stack runs, in reverse order, and removes the data directory if it was made for this run. */
  stop(): Promise<void>;
}

/** How a stack is started. */
export interface StackOptions {
  /** Where data, logs and pid files are kept. Default: `.headrace/stack`, or a fresh directory for an ephemeral stack. */
  readonly dataDir?: string;
  /** The components end with this process, however it ends; a directory made for the run goes with them. */
  readonly ephemeral?: boolean;
  /** 9092, 6379 and 8081 where they are free. */
  readonly preferStandardPorts?: boolean;
  /** Given one line for each thing done, with its duration. */
  readonly onProgress?: (line: string) => void;
  /** KAFKA_BROKERS, REDIS_URL, SCHEMA_REGISTRY_URL name components to use instead of starting them. */
  readonly env?: Record<string, string | undefined>;
  /** Further ways into the broker, for clients that reach it through something else. */
  readonly kafkaListeners?: readonly KafkaListener[];
}

/**
 * Returns a stack of Kafka, Redis and a schema registry once all three answer; what runs already in the data directory is
 * taken over. Throws `stack-unavailable` when a component cannot be started or reached; what this call started is stopped then.
 */
export async function startStack(options: StackOptions): Promise<RunningStack> {
  const isEphemeral = options.ephemeral ?? false;
  const madeDir = isEphemeral && options.dataDir === undefined ? makeRunDirectory() : undefined;
  const dataDir = madeDir ?? resolve(options.dataDir ?? DEFAULT_DATA_DIR);
  const removeMade = (): void => {
    if (madeDir !== undefined) rmSync(madeDir, { recursive: true, force: true });
  };
  try {
    const onProgress = options.onProgress ?? (() => undefined);
    const components = await withDataDirectory(dataDir, async () => {
      const watch = isEphemeral ? { ...(madeDir !== undefined && { removeDir: madeDir }) } : undefined;
      const policy = { dataDir, watch, preferStandardPorts: options.preferStandardPorts ?? false };
      const assembled = await assembleStack(
        policy,
        { env: options.env ?? {}, onProgress },
        options.kafkaListeners,
      );
      await startComponents(assembled, onProgress);
      return assembled;
    });
    const find = byName(components);
    return {
      kafkaBrokers: find('kafka').address(),
      redisUrl: find('redis').address(),
      schemaRegistryUrl: find('schema-registry').address(),
      stopComponent: (name) => find(name).stop(),
      killComponent: (name) => find(name).kill(),
      startComponent: (name) => find(name).start(),
      stop: async () => {
        await stopComponents(components);
        removeMade();
      },
    };
  } catch (error) {
    removeMade();
    if (error instanceof HeadraceError) throw error;
    throw new HeadraceError(`cannot start the stack in ${dataDir}`, {
      code: 'stack-unavailable',
      retriable: false,
      cause: error,
    });
  }
}
