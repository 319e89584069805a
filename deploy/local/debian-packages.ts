import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { HeadraceError } from '../../shared/errors.ts';
import { runCommand } from './run-command.ts';

const POLICY = '/usr/sbin/policy-rc.d';

/** Returns whether packages can be installed without asking anyone: root on Debian or a system made from it. */
export function canInstallDebianPackages(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

/** Does `work` while a package's installation may not start the services it brings. */
async function withoutServices(work: () => Promise<unknown>): Promise<void> {
  const isOurs = !existsSync(POLICY);
  if (isOurs) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    if (isOurs) rmSync(POLICY, { force: true });
  }
}

async function hasCandidate(name: string): Promise<boolean> {
  const output = await runCommand({ command: 'apt-cache', args: ['policy', name] });
  return /Candidate: (?!\(none\))/.test(output);
}

/**
 * Installs, for each list of alternatives, the first package this system has. The services they bring are not started: the stack
 * runs its own. Throws `stack-unavailable` with what apt wrote when it fails.
 */
export async function installDebianPackages(wanted: readonly (readonly string[])[]): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
  await runCommand({ command: 'apt-get', args: ['update', '-q'], env });
  const chosen: string[] = [];
  for (const alternatives of wanted) {
    for (const name of alternatives) {
      if (!(await hasCandidate(name))) continue;
      chosen.push(name);
      break;
    }
  }
  if (chosen.length === 0) {
    throw new HeadraceError(`apt has none of ${wanted.flat().join(', ')}`, {
      code: 'stack-unavailable',
      retriable: false,
    });
  }
  const args = ['install', '-q', '-y', '--no-install-recommends', ...chosen];
  await withoutServices(() => runCommand({ command: 'apt-get', args, env }));
}
