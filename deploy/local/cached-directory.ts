import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withLock } from './file-lock.ts';

const LOCK_LIMIT_MS = 15 * 60_000;

/**
 * Returns `path`, a directory that is whole: made by an earlier call, or now by `fill`, which is given an empty directory
 * beside it that gets its name only after `fill` has ended well. A process killed half-way leaves nothing that is taken for
 * whole; two at once do the work once.
 */
export async function cachedDirectory(path: string, fill: (draft: string) => Promise<void>): Promise<string> {
  if (existsSync(path)) return path;
  mkdirSync(dirname(path), { recursive: true });
  return withLock(`${path}.lock`, LOCK_LIMIT_MS, async () => {
    if (existsSync(path)) return path;
    const prefix = `.${basename(path)}-`;
    for (const left of readdirSync(dirname(path)).filter((name) => name.startsWith(prefix))) {
      rmSync(join(dirname(path), left), { recursive: true, force: true });
    }
    const draft = mkdtempSync(join(dirname(path), prefix));
    try {
      await fill(draft);
      renameSync(draft, path);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    return path;
  });
}
