import { join } from 'node:path';
import type { CacheStore, Log, ReadArtefact } from '../ports.ts';
import { createDiskArtefacts } from './disk-artefacts.ts';
import { createDiskCache } from './disk-cache.ts';

/** What a router keeps across its restarts. */
export interface Disk {
  readonly store: CacheStore;
  /** Reads a published file from the disk, else from where it comes from. */
  readonly readArtefact: ReadArtefact;
  /** Removes published files that are not among these. */
  readonly keepArtefacts: (digests: ReadonlySet<string>) => Promise<void>;
}

/** Returns a router's own directory; undefined when it has none. */
export function openDisk(dataDir: string, readElsewhere: ReadArtefact, log: Log): Disk | undefined {
  if (dataDir === '') return undefined;
  const artefacts = createDiskArtefacts(join(dataDir, 'artefacts'), readElsewhere, log);
  return {
    store: createDiskCache(join(dataDir, 'serving')),
    readArtefact: artefacts.read,
    keepArtefacts: artefacts.keepOnly,
  };
}
