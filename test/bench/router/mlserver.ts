import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cachedDirectory } from '../../../deploy/local/cached-directory.ts';
import { CACHE_DIR } from '../../../deploy/local/data-directory.ts';
import { choosePorts } from '../../../deploy/local/ports.ts';
import { runCommand } from '../../../deploy/local/run-command.ts';
import { messageOf } from '../../../shared/errors.ts';
import { startSide } from '../serving/side-process.ts';
import type { SideProcess } from '../serving/side-process.ts';

const PACKAGE = 'mlserver==1.7.1';
/** Name of the model in MLServer. */
export const MLSERVER_MODEL = 'linear';

async function python(): Promise<string> {
  const dir = await cachedDirectory(
    join(CACHE_DIR, `router-python-${PACKAGE.replace('==', '-')}`),
    async (draft) => {
      await runCommand({ command: 'python3', args: ['-m', 'venv', draft] });
      const args = ['-m', 'pip', 'install', '--quiet', '--only-binary=:all:', PACKAGE];
      await runCommand({ command: join(draft, 'bin', 'python'), args });
    },
  );
  return join(dir, 'bin', 'python');
}

/** Writes the folder that MLServer is started in: everything in one process, no logs a request. */
async function writeModel(dir: string, port: number): Promise<void> {
  mkdirSync(dir, { recursive: true });
  copyFileSync(join(import.meta.dirname, 'mlserver-runtime.py'), join(dir, 'runtime.py'));
  const [grpc, metrics] = await choosePorts(2, []);
  const settings = {
    host: '127.0.0.1',
    http_port: port,
    grpc_port: grpc,
    metrics_port: metrics,
    parallel_workers: 0,
    debug: false,
  };
  writeFileSync(join(dir, 'settings.json'), JSON.stringify(settings));
  writeFileSync(
    join(dir, 'model-settings.json'),
    JSON.stringify({ name: MLSERVER_MODEL, implementation: 'runtime.Linear' }),
  );
}

/** Returns MLServer with a linear model of 2^18 weights, or why there is none. */
export async function startMlserver(dataDir: string): Promise<SideProcess | { readonly missing: string }> {
  try {
    const command = await python();
    const [port = 0] = await choosePorts(1, []);
    const dir = join(dataDir, 'mlserver-model');
    await writeModel(dir, port);
    return await startSide({
      name: 'mlserver',
      dataDir,
      command,
      args: ['-c', 'from mlserver.cli import main; main()', 'start', dir],
      port,
      cwd: dir,
      probe: `/v2/models/${MLSERVER_MODEL}/ready`,
    });
  } catch (error) {
    return { missing: messageOf(error) };
  }
}
