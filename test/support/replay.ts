import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import type { StackAddresses } from '../../deploy/local/stack.ts';

/** What learning a model again from the log alone ends in. */
export interface Replay {
  readonly digest: string;
  readonly position: number;
  readonly events: number;
  readonly uniqueIds: number;
  readonly examplesLearned: Readonly<Record<string, number>>;
}

const SCRIPT = resolve(import.meta.dirname, '../../deploy/demo/replay-state.ts');

/** Learns a model again up to a position, in a process of its own without checkpoint or interruption. */
export async function replayState(stack: StackAddresses, model: string, position: number): Promise<Replay> {
  const { stdout } = await promisify(execFile)(process.execPath, [SCRIPT, model, String(position)], {
    timeout: 300_000,
    env: {
      ...process.env,
      KAFKA_BROKERS: stack.kafkaBrokers,
      REDIS_URL: stack.redisUrl,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    },
  });
  return JSON.parse(stdout) as Replay;
}
