import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A process that cannot be confused with a later one of the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, as the system counts it: clock ticks since boot and the boot on Linux, a date elsewhere. */
  readonly startedAt: string;
}

function linuxStart(pid: number): string | undefined {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // the command's name is in parentheses and may itself hold spaces and parentheses
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = fields[19];
  if (ticks === undefined || state === 'Z' || state === 'X') return undefined;
  return `${ticks}@${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)}`;
}

function otherStart(pid: number): string | undefined {
  const [state, ...date] = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
  })
    .trim()
    .split(/\s+/);
  return state === undefined || state.startsWith('Z') ? undefined : date.join(' ');
}

/** Returns who has `pid` now, or undefined when nobody has (a zombie is nobody). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  try {
    const startedAt = process.platform === 'linux' ? linuxStart(pid) : otherStart(pid);
    return startedAt === undefined ? undefined : { pid, startedAt };
  } catch {
    return undefined;
  }
}

/** Returns whether that very process still runs. */
export function isRunning(identity: ProcessIdentity): boolean {
  return identifyProcess(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends a signal to that very process; returns false when it is gone. A later process with its pid is left alone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isRunning(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch {
    return false;
  }
}

/** Returns the identity as one line of a file. */
export function formatIdentity({ pid, startedAt }: ProcessIdentity): string {
  return `${String(pid)} ${startedAt}\n`;
}

/** Returns the identity in such a line, or undefined when it is not one. */
export function parseIdentity(line: string): ProcessIdentity | undefined {
  const match = /^(\d+) (.+?)\s*$/.exec(line);
  return match?.[1] === undefined || match[2] === undefined
    ? undefined
    : { pid: Number(match[1]), startedAt: match[2] };
}
