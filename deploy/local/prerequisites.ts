import { HeadraceError } from '../../shared/errors.ts';
import { canInstallDebianPackages, installDebianPackages } from './debian-packages.ts';
import { runCommand } from './run-command.ts';

/** A program of the machine that the stack or a test needs. */
export type Prerequisite = 'java' | 'maven' | 'redis-server' | 'prometheus' | 'chromium';

/** Settings and listeners of the search. */
export interface PrerequisiteOptions {
  /** JAVA_HOME is looked into first. */
  readonly env: Record<string, string | undefined>;
  readonly onProgress: (line: string) => void;
}

const WANTED: Record<
  Prerequisite,
  { readonly title: string; readonly debian: readonly string[]; readonly brew: string }
> = {
  java: {
    title: 'Java 17 or later',
    debian: ['openjdk-17-jre-headless', 'openjdk-21-jre-headless'],
    brew: 'openjdk',
  },
  maven: { title: 'Maven', debian: ['maven'], brew: 'maven' },
  chromium: { title: 'Chromium', debian: ['chromium'], brew: 'chromium' },
  prometheus: { title: 'Prometheus', debian: ['prometheus'], brew: 'prometheus' },
  'redis-server': { title: 'Redis 7 or later', debian: ['redis-server'], brew: 'redis' },
};

/** Returns what the command writes, or undefined when there is no such command or it fails. */
async function outputOf(command: string, ...args: readonly string[]): Promise<string | undefined> {
  return runCommand({ command, args }).catch(() => undefined);
}

/** Returns the `java` command of version 17 or later, from JAVA_HOME or the PATH; undefined when there is none. */
export async function findJava(env: Record<string, string | undefined>): Promise<string | undefined> {
  for (const command of [...(env['JAVA_HOME'] ? [`${env['JAVA_HOME']}/bin/java`] : []), 'java']) {
    const major = /version "(\d+)/.exec((await outputOf(command, '-version')) ?? '')?.[1];
    if (Number(major ?? 0) >= 17) return command;
  }
  return undefined;
}

async function isPresent(one: Prerequisite, env: PrerequisiteOptions['env']): Promise<boolean> {
  switch (one) {
    case 'java':
      return (await findJava(env)) !== undefined;
    case 'maven':
      return (await outputOf('mvn', '--version')) !== undefined;
    case 'chromium':
      return (await outputOf('chromium', '--version')) !== undefined;
    case 'prometheus':
      return (await outputOf('promtool', '--version')) !== undefined;
    case 'redis-server':
      return Number(/v=(\d+)\./.exec((await outputOf('redis-server', '--version')) ?? '')?.[1] ?? 0) >= 7;
  }
}

async function missingOf(
  wanted: readonly Prerequisite[],
  env: PrerequisiteOptions['env'],
): Promise<Prerequisite[]> {
  const found = await Promise.all(wanted.map((one) => isPresent(one, env)));
  return wanted.filter((_, index) => found[index] !== true);
}

function installHint(missing: readonly Prerequisite[]): string {
  if (process.platform === 'darwin')
    return `brew install ${missing.map((one) => WANTED[one].brew).join(' ')}`;
  return `sudo apt-get install ${missing.map((one) => WANTED[one].debian[0] ?? '').join(' ')} (Debian; elsewhere by the system's package manager)`;
}

/**
 * Returns when all that is wanted is there. What is missing is installed where that is allowed (root on Debian); otherwise throws
 * `stack-unavailable` naming everything missing and the command that installs it.
 */
export async function ensurePrerequisites(
  wanted: readonly Prerequisite[],
  { env, onProgress }: PrerequisiteOptions,
): Promise<void> {
  const missing = await missingOf(wanted, env);
  if (missing.length === 0) return;
  if (canInstallDebianPackages()) {
    onProgress(`installing ${missing.map((one) => WANTED[one].title).join(', ')}`);
    await installDebianPackages(missing.map((one) => WANTED[one].debian));
  }
  const still = await missingOf(missing, env);
  if (still.length === 0) return;
  const message = `missing: ${still.map((one) => WANTED[one].title).join(', ')}; install with: ${installHint(still)}`;
  throw new HeadraceError(message, { code: 'stack-unavailable', retriable: false });
}
