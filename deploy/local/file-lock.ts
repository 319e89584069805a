import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { HeadraceError } from '../../shared/errors.ts';
import { formatIdentity, identifyProcess, isRunning, parseIdentity } from './process-identity.ts';
import { waitUntil } from './wait-until.ts';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Makes the lock with its content in one step; false when someone has it. */
function tryTake(path: string, content: string): boolean {
  const draft = `${path}.${randomUUID()}`;
  writeFileSync(draft, content);
  try {
    linkSync(draft, path);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Removes a lock whose holder is dead; a lock taken by someone else in the meantime is put back. */
function breakStale(path: string): void {
  const content = read(path);
  if (content === undefined) return;
  const holder = parseIdentity(content);
  if (holder !== undefined && isRunning(holder)) return;
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
    if (read(aside) !== content) linkSync(aside, path);
  } catch {
    // another one was faster, here or at putting it back
  } finally {
    rmSync(aside, { force: true });
  }
}

/**
 * Takes the lock file `path` for this process and returns true, or false when a process that lives has it, be it this one. Nobody
 * has to give it back: the file names the holder, and a dead one's is removed.
 */
export function tryLock(path: string): boolean {
  const self = identifyProcess(process.pid);
  if (self === undefined) throw new Error('cannot identify this process');
  const content = formatIdentity(self);
  if (tryTake(path, content)) return true;
  breakStale(path);
  return tryTake(path, content);
}

/**
 * Returns what `work` returns, done while this process alone holds the lock file `path`; a holder that died does not keep it. Throws
 * `stack-unavailable` after `limitMs` of waiting.
 */
export async function withLock<T>(path: string, limitMs: number, work: () => Promise<T>): Promise<T> {
  await waitUntil(
    () => {
      if (tryLock(path)) return;
      throw new HeadraceError(`held by process ${read(path)?.trim() ?? 'nobody'}`, {
        code: 'stack-unavailable',
        retriable: true,
      });
    },
    { what: `the lock ${path}`, limitMs, everyMs: 100 },
  );
  try {
    return await work();
  } finally {
    rmSync(path, { force: true });
  }
}
