import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { messageOf } from '../../../shared/errors.ts';
import { sha256Hex } from '../../../shared/events/sha256.ts';
import type { CachedBytes, CacheStore } from '../ports.ts';
import { NEW_SUFFIX, writeWhole } from './write-whole.ts';

const SUFFIX = '.cache';
const MAGIC = 'headrace-cache ';
const HEAD_BYTES = MAGIC.length + 64 + 1;
/** What is digested in a tenth of a millisecond where the processor knows SHA-256. */
const DIGESTED_AT_ONCE = 2 ** 17;
const FILE_PATTERN = /^[a-z][a-z0-9-]{0,62}\.cache$/;

/** Returns what a file holds, or what is wrong with it. */
function checked(file: Buffer): Uint8Array | string {
  const head = file.toString('latin1', 0, HEAD_BYTES);
  if (!head.startsWith(MAGIC)) return 'it is no cache file';
  const body = file.subarray(HEAD_BYTES);
  const digest = sha256Hex([body]);
  const named = head.slice(MAGIC.length, -1);
  return digest === named ? body : `its digest is ${digest}, it says ${named}`;
}

/** Returns the SHA-256 of bytes, hex, computed piece by piece: a thread of its own would be given a copy, made at once. */
async function digestOf(bytes: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += DIGESTED_AT_ONCE) {
    hash.update(bytes.subarray(from, from + DIGESTED_AT_ONCE));
    await turn();
  }
  return hash.digest('hex');
}

/**
 * Returns a store of one file a model in a directory, which is made when something is written. A file is whole or not there.
 * Its SHA-256 stands before its bytes.
 */
export function createDiskCache(dir: string): CacheStore {
  return {
    async write(model, bytes) {
      const digest = await digestOf(bytes);
      await writeWhole(dir, `${model}${SUFFIX}`, [`${MAGIC}${digest}\n`, bytes]);
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
          found.push({ model, fault: messageOf(error) });
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
