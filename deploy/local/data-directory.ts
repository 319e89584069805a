import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { withLock } from './file-lock.ts';
import { formatIdentity, identifyProcess, isRunning, parseIdentity } from './process-identity.ts';

const HOME = resolve(import.meta.dirname, '../../.headrace');
const RUNS = join(HOME, 'runs');
const IN_USE_LIMIT_MS = 5 * 60_000;
const UNOWNED_LIMIT_MS = 60_000;

/** Where downloads are kept, by version. */
export const CACHE_DIR = join(HOME, 'cache');
/** Where `stack up` keeps its data unless told otherwise. */
export const DEFAULT_DATA_DIR = join(HOME, 'stack');

function livesIn(file: string): boolean {
  const identity = parseIdentity(readFileSync(file, 'utf8'));
  return identity !== undefined && isRunning(identity);
}

/** Removes the directories of runs whose launcher and components are all gone. */
function sweepRuns(): void {
  for (const name of readdirSync(RUNS)) {
    const dir = join(RUNS, name);
    try {
      const isOwned = existsSync(join(dir, 'owner'))
        ? livesIn(join(dir, 'owner'))
        : Date.now() - statSync(dir).mtimeMs < UNOWNED_LIMIT_MS;
      const pidFiles = readdirSync(dir).filter((file) => file.endsWith('.pid'));
      if (isOwned || pidFiles.some((file) => livesIn(join(dir, file)))) continue;
      rmSync(dir, { recursive: true, force: true });
    } catch {
      // another process is removing it
    }
  }
}

/** Returns a fresh data directory for one run of this process; leftovers of crashed runs are removed on the way. */
export function makeRunDirectory(): string {
  mkdirSync(RUNS, { recursive: true });
  sweepRuns();
  const dir = mkdtempSync(join(RUNS, 'run-'));
  const self = identifyProcess(process.pid);
  if (self !== undefined) writeFileSync(join(dir, 'owner'), formatIdentity(self));
  return dir;
}

/** Returns what `work` returns; nobody else starts or stops anything in the data directory meanwhile. */
export function withDataDirectory<T>(dataDir: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dataDir, { recursive: true });
  return withLock(join(dataDir, 'lock'), IN_USE_LIMIT_MS, work);
}
