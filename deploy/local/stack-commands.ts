import { existsSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../shared/errors.ts';
import { withDataDirectory } from './data-directory.ts';
import type { ManagedComponent } from './managed-component.ts';
import { progressLine } from './progress-line.ts';
import { stackComponents } from './stack-components.ts';
import type { Environment } from './stack-components.ts';
import { stopComponents } from './start-order.ts';

type Print = (line: string) => void;

/** Returns the components as they are remembered; none of them can be started. */
function rememberedComponents(dataDir: string, env: Environment): readonly ManagedComponent[] {
  const refuse = (): Promise<string> => Promise.reject(new Error('this command starts nothing'));
  const policy = { dataDir, watch: undefined, preferStandardPorts: true };
  return stackComponents(env, policy, { java: refuse, kafkaJars: refuse, apicurioRelease: refuse });
}

/** Stops what runs in a data directory, and removes the directory on request. Returns the exit code; doing it again is fine. */
export async function stackDown(
  dataDirGiven: string,
  { isPurge, print }: { isPurge: boolean; print: Print },
): Promise<number> {
  const dataDir = resolve(dataDirGiven);
  if (!existsSync(dataDir)) {
    print(`nothing was ever started in ${dataDir}`);
    return 0;
  }
  await withDataDirectory(dataDir, async () => {
    await stopComponents(rememberedComponents(dataDir, {}), print);
    if (!isPurge) return;
    rmSync(dataDir, { recursive: true, force: true });
    print(`removed ${dataDir}`);
  });
  return 0;
}

/** Asks each component. Returns the exit code: 1 when one does not answer. */
export async function stackStatus(
  dataDirGiven: string,
  { env, print }: { env: Environment; print: Print },
): Promise<number> {
  const asked = rememberedComponents(resolve(dataDirGiven), env).map(async (component) => {
    const failure = await component.ask().then(() => undefined, messageOf);
    const where =
      failure === undefined ? `up on ${component.address().replace(/^\w+:\/\//, '')}` : `not up: ${failure}`;
    return { line: progressLine(component.title, where), isUp: failure === undefined };
  });
  const answers = await Promise.all(asked);
  for (const { line } of answers) print(line);
  return answers.every(({ isUp }) => isUp) ? 0 : 1;
}
