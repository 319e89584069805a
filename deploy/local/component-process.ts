import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import type { Launch } from './component.ts';
import { formatIdentity, identifyProcess, isRunning, signalProcess } from './process-identity.ts';
import type { ProcessIdentity } from './process-identity.ts';
import { waitUntil } from './wait-until.ts';

/** How a component's process lives. */
export interface SpawnOptions extends Launch {
  readonly pidFile: string;
  readonly logFile: string;
  readonly cwd: string;
  /**
   * Undefined: the process goes on after this one. Otherwise it is stopped when this process ends in whatever way, and
   * `removeDir`, if given, is removed with the last component.
   */
  readonly watch: { readonly removeDir?: string } | undefined;
}

const WATCHDOG = join(import.meta.dirname, 'watchdog.sh');

function launch({ command, args, cwd, pidFile, watch }: SpawnOptions, log: number): ChildProcess {
  // detached: a session of its own, so that ^C in the terminal reaches the launcher alone, which stops things in order
  const options = { cwd, detached: true } as const;
  if (watch === undefined) return spawn(command, [...args], { ...options, stdio: ['ignore', log, log] });
  const watched = [WATCHDOG, pidFile, watch.removeDir ?? '-', command, ...args];
  return spawn('sh', watched, { ...options, stdio: ['pipe', log, log] });
}

/** Starts a process, its output appended to the log file, its identity in the pid file; it does not keep this one alive. */
export async function spawnComponent(options: SpawnOptions): Promise<ProcessIdentity> {
  mkdirSync(dirname(options.logFile), { recursive: true });
  const log = openSync(options.logFile, 'a');
  const child = launch(options, log);
  closeSync(log);
  const { stdin, pid } = child;
  if (pid === undefined) {
    const [cause] = (await once(child, 'error')) as [Error];
    throw new HeadraceError(`cannot start ${options.command}: ${cause.message}`, {
      code: 'stack-unavailable',
      retriable: false,
      cause,
    });
  }
  // a process that ended before it could be looked at is told from a running one by an identity that fits nobody
  const identity = identifyProcess(pid) ?? { pid, startedAt: 'ended' };
  writeFileSync(options.pidFile, formatIdentity(identity));
  child.on('error', () => undefined);
  child.unref();
  stdin?.on('error', () => undefined);
  if (stdin instanceof Socket) stdin.unref(); // node makes pipes to children sockets
  return identity;
}

/**
 * Ends a process: SIGTERM, and SIGKILL when it has not ended after `limitMs`. Returns when it is gone; a process that is
 * gone already is fine.
 */
export async function endProcess(identity: ProcessIdentity, limitMs: number): Promise<void> {
  const untilGone = (ms: number): Promise<void> =>
    waitUntil(
      () => {
        if (isRunning(identity)) throw new Error('still running');
      },
      { what: `process ${String(identity.pid)} to end`, limitMs: ms, everyMs: 20 },
    );
  if (limitMs > 0) {
    signalProcess(identity, 'SIGTERM');
    try {
      await untilGone(limitMs);
      return;
    } catch {
      // it had its time
    }
  }
  signalProcess(identity, 'SIGKILL');
  await untilGone(10_000);
}

/** Removes the pid file of a process that has ended. */
export function forgetPid(pidFile: string): void {
  rmSync(pidFile, { force: true });
}
