import { setTimeout as delay } from 'node:timers/promises';
import { runCli } from '../../deploy/cli/cli.ts';
import { urlVariable } from '../../deploy/cli/services.ts';
import { SERVICES } from '../../deploy/fleet/fleet.ts';
import type { System } from './system.ts';

/** What a command line did. */
export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Returns the variables by which the command line finds a running system. */
export function cliEnvironment({ stack, url }: System): Record<string, string> {
  return {
    ...Object.fromEntries(SERVICES.map((name) => [urlVariable(name), url(name)])),
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    REDIS_URL: stack.redisUrl,
    USER: 'tester',
  };
}

/** Runs one command line in this process, without a terminal. */
export async function runCommandLine(
  env: Readonly<Record<string, string>>,
  args: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<CliRun> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await runCli(args, {
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    env,
    isTerminal: false,
    columns: () => 120,
    nowMs: Date.now,
    pause: (ms) => delay(ms, undefined, { signal }).catch(() => undefined),
    signal,
  });
  return { code, out: out.join(''), err: err.join('') };
}
