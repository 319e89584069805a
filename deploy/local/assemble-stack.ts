import { existsSync } from 'node:fs';
import { HeadraceError } from '../../shared/errors.ts';
import type { StackComponent } from './component.ts';
import { CACHE_DIR } from './data-directory.ts';
import type { KafkaListener } from './kafka-settings.ts';
import type { ManagedComponent, RunPolicy } from './managed-component.ts';
import { apicurioRelease, kafkaJars } from './maven-artefacts.ts';
import type { Artefact } from './maven-artefacts.ts';
import { ensurePrerequisites, findJava } from './prerequisites.ts';
import type { Prerequisite, PrerequisiteOptions } from './prerequisites.ts';
import { progressLine, secondsSince } from './progress-line.ts';
import { COMPONENT_NAMES, externalAddress, stackComponents } from './stack-components.ts';

const RELEASES = { kafka: kafkaJars(CACHE_DIR), 'schema-registry': apicurioRelease(CACHE_DIR) } as const;

function wantedFor(names: readonly StackComponent[]): Prerequisite[] {
  const javaOnes = names.filter((name) => name !== 'redis');
  const isDownloadNeeded = javaOnes.some((name) => !existsSync(RELEASES[name].directory));
  return [
    ...(javaOnes.length > 0 ? (['java'] as const) : []),
    ...(isDownloadNeeded ? (['maven'] as const) : []),
    ...(names.includes('redis') ? (['redis-server'] as const) : []),
  ];
}

async function download(
  { title, directory, fetch }: Artefact,
  onProgress: (line: string) => void,
): Promise<string> {
  if (existsSync(directory)) return directory;
  const startMs = performance.now();
  onProgress(progressLine(title, 'downloading'));
  await fetch();
  onProgress(progressLine(title, `downloaded in ${secondsSince(startMs)}`));
  return directory;
}

/**
 * Returns the components of a stack, none started; what they need of the machine is there, and downloads have begun. Throws
 * `stack-unavailable` when something is missing.
 */
export async function assembleStack(
  policy: RunPolicy,
  options: PrerequisiteOptions,
  kafkaListeners: readonly KafkaListener[] = [],
): Promise<readonly ManagedComponent[]> {
  const { env, onProgress } = options;
  const own = COMPONENT_NAMES.filter((name) => externalAddress(name, env, policy.dataDir) === undefined);
  await ensurePrerequisites(wantedFor(own), options);
  const java = async (): Promise<string> => {
    const command = await findJava(env);
    if (command === undefined)
      throw new HeadraceError('java is gone', { code: 'stack-unavailable', retriable: false });
    return command;
  };
  // one after the other: two Mavens at once are not safe in one local repository; Kafka starts while the second one runs
  const jars = own.includes('kafka') ? download(RELEASES.kafka, onProgress) : Promise.resolve('');
  const release = jars.then(() =>
    own.includes('schema-registry') ? download(RELEASES['schema-registry'], onProgress) : '',
  );
  for (const running of [jars, release]) running.catch(() => undefined); // reported where it is awaited
  return stackComponents(env, policy, {
    java,
    kafkaJars: () => jars,
    apicurioRelease: () => release,
    kafkaListeners,
  });
}
