import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** How the name of a file ends that is being written. */
export const NEW_SUFFIX = '.new';

/** Makes a rename last: the directory's own entry is written. */
async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Writes a file of a directory, which is made when it is not there, in place of the one before, and resolves when a crash of the
 * machine would not lose it. The file is whole or not there: it is written beside the old one, synced and renamed.
 */
export async function writeWhole(
  dir: string,
  name: string,
  pieces: readonly (string | Uint8Array)[],
): Promise<void> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, name);
  const unfinished = `${path}${NEW_SUFFIX}`;
  try {
    const handle = await open(unfinished, 'w');
    try {
      for (const piece of pieces) await handle.writeFile(piece);
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
}
