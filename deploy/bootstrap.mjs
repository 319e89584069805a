/**
 * Runs a TypeScript program of this repository: `node deploy/bootstrap.mjs PROGRAM ARGS…`. Works with whatever Node is on
 * the machine (18 or later): installs the dependencies when they are missing or older than the lock file, then hands over
 * to the Node 24 among them. This is why a fresh clone needs no other command first.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, 'node_modules', '.package-lock.json');
const wanted = join(root, 'package-lock.json');
const [program = '', ...args] = process.argv.slice(2);

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(wanted).mtimeMs) {
  console.log('installing dependencies (npm ci) …');
  const startMs = performance.now();
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  console.log(`dependencies installed in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
}

const child = spawn(join(root, 'node_modules', '.bin', 'node'), [join(root, program), ...args], {
  cwd: root,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 128 + 15);
});
