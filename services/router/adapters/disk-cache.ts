import { webcrypto } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import type { CachedBytes, CacheStore } from '../ports.ts';

const SUFFIX = '.cache';
const NEW_SUFFIX = '.new';
const MAGIC = 'headrace-cache ';
const HEAD_BYTES = MAGIC.length + 64 + 1;
const FILE_PATTERN = /^[a-z][a-z0-9-]{0,62}\.cache$/;

/** Makes a rename last: the directory's own entry is written. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Returns what a file holds, or what is wrong with it. */
function checked(file: Buffer): Uint8Array | string {
  const head = file.toString('latin1', 0, HEAD_BYTES);
  if (!head.startsWith(MAGIC)) return 'it is no cache file';
  const body = file.subarray(HEAD_BYTES);
  const digest = sha256Hex([body]);
  const named = head.slice(MAGIC.length, -1);
  return digest === named ? body : `its digest is ${digest}, it says ${named}`;
}

/**
 * Returns a store of one file a model in a directory, which is made when something is written. A file is whole or not there:
 * it is written beside the old one, synced and renamed. Its SHA-256 stands before its bytes, computed in a thread of its own.
 */
export function createDiskCache(dir: string): CacheStore {
  return {
    async write(model, bytes) {
      await mkdir(dir, { recursive: true });
      const digest = Buffer.from(await webcrypto.subtle.digest('SHA-256', bytes)).toString('hex');
      const path = join(dir, `${model}${SUFFIX}`);
      const unfinished = `${path}${NEW_SUFFIX}`;
      try {
        const handle = await open(unfinished, 'w');
        try {
          await handle.writeFile(`${MAGIC}${digest}\n`);
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(unfinished, path);
      } catch (error) {
        await rm(unfinished, { force: true }).catch(() => undefined); // the room it took is needed
        throw error;
      }
      await syncDirectory(dir);
    },
    async readAll() {
      const names = await readdir(dir).catch(() => []);
      const found: CachedBytes[] = [];
      for (const name of names.filter((one) => FILE_PATTERN.test(one)).sort()) {
        const model = name.slice(0, -SUFFIX.length);
        try {
          const read = checked(await readFile(join(dir, name)));
          found.push(typeof read === 'string' ? { model, fault: read } : { model, bytes: read });
        } catch (error) {
          found.push({ model, fault: error instanceof Error ? error.message : String(error) });
        }
      }
      return found;
    },
    async keepOnly(models) {
      const names = await readdir(dir).catch(() => []);
      for (const name of names) {
        const isOurs = FILE_PATTERN.test(name) || name.endsWith(`${SUFFIX}${NEW_SUFFIX}`);
        if (isOurs && !models.has(name.slice(0, name.indexOf(SUFFIX))))
          await rm(join(dir, name), { force: true });
      }
    },
  };
}
