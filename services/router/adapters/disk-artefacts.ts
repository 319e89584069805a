import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import { messageOf } from '../../../shared/errors.ts';
import type { Log, ReadArtefact } from '../ports.ts';
import { NEW_SUFFIX, writeWhole } from './write-whole.ts';

const DIGEST = /^[0-9a-f]{64}$/;

/** Published files on this router's disk. */
export interface DiskArtefacts {
  /** Returns a file from the disk when it is there with its digest, else from where it comes from, and keeps it then. */
  readonly read: ReadArtefact;
  /** Removes all others. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

/**
 * Returns published files kept in a directory by their SHA-256, one file each. A disk that is full or gone is logged; the file is
 * served all the same.
 */
export function createDiskArtefacts(dir: string, readElsewhere: ReadArtefact, log: Log): DiskArtefacts {
  async function kept(digest: string): Promise<Uint8Array | undefined> {
    const bytes = await readFile(join(dir, digest)).catch(() => undefined);
    if (bytes === undefined || sha256Hex([bytes]) === digest) return bytes;
    log.error({ digest }, 'the published file on the disk is damaged; it is read from Kafka');
    return undefined;
  }

  return {
    async read(digest) {
      if (!DIGEST.test(digest)) return readElsewhere(digest);
      const known = await kept(digest);
      if (known !== undefined) return known;
      const bytes = await readElsewhere(digest);
      if (bytes === undefined || sha256Hex([bytes]) !== digest) return bytes;
      await writeWhole(dir, digest, [bytes]).catch((error: unknown) => {
        log.error({ digest, reason: messageOf(error) }, 'a published file cannot be kept on the disk');
      });
      return bytes;
    },
    async keepOnly(digests) {
      const names = await readdir(dir).catch(() => []);
      for (const name of names) {
        const digest = name.endsWith(NEW_SUFFIX) ? name.slice(0, -NEW_SUFFIX.length) : name;
        const isOurs = DIGEST.test(digest);
        if (isOurs && !digests.has(digest)) await rm(join(dir, name), { force: true });
      }
    },
  };
}
