import { join } from 'node:path';
import { cachedDirectory } from '../../deploy/local/cached-directory.ts';
import { CACHE_DIR } from '../../deploy/local/data-directory.ts';
import { runCommand } from '../../deploy/local/run-command.ts';

/**
 * Returns the `python` of a virtual environment with these packages, `name==version` each, installed now or by an earlier
 * run. Throws HeadraceError with what pip said when they cannot be.
 *
 * @param name what the environment is for; part of its directory's name
 */
export async function pythonWith(name: string, packages: readonly string[]): Promise<string> {
  const versions = packages
    .join('-')
    .replaceAll('==', '-')
    .replaceAll(/[^\w.-]/g, '-');
  const dir = await cachedDirectory(join(CACHE_DIR, `${name}-python-${versions}`), async (draft) => {
    await runCommand({ command: 'python3', args: ['-m', 'venv', draft] });
    const python = join(draft, 'bin', 'python');
    const args = ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', ...packages];
    await runCommand({ command: python, args });
  });
  return join(dir, 'bin', 'python');
}
