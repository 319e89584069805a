import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeadraceError } from '../../shared/errors.ts';
import { cachedDirectory } from './cached-directory.ts';
import { runCommand } from './run-command.ts';

/** The release of Apache Kafka that is run. */
export const KAFKA_VERSION = '4.3.1';
/** The release of the Apicurio registry that is run. */
export const APICURIO_VERSION = '3.0.9';

const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.9.0';
const POM = join(import.meta.dirname, 'kafka-pom.xml');

async function maven(goal: string, ...properties: readonly string[]): Promise<void> {
  await runCommand({
    command: 'mvn',
    args: ['--batch-mode', '--quiet', ...properties, `${PLUGIN}:${goal}`],
    cwd: tmpdir(),
  });
}

function requireFile(directory: string, file: string): void {
  if (readdirSync(directory).includes(file)) return;
  throw new HeadraceError(`maven succeeded without leaving ${file} in ${directory}`, {
    code: 'stack-unavailable',
    retriable: false,
  });
}

/** Something Maven brings, kept as a directory. */
export interface Artefact {
  readonly title: string;
  /** Exists only when it is whole. */
  readonly directory: string;
  /** Returns the directory, downloading it the first time. */
  readonly fetch: () => Promise<string>;
}

/** Returns the jars of a Kafka broker, kept under `cacheDir`. */
export function kafkaJars(cacheDir: string): Artefact {
  const directory = join(cacheDir, `kafka-${KAFKA_VERSION}`);
  const fill = async (draft: string): Promise<void> => {
    const properties = [`--file=${POM}`, `-Dkafka.version=${KAFKA_VERSION}`, '-DincludeScope=runtime'];
    await maven('copy-dependencies', ...properties, `-DoutputDirectory=${draft}`);
    requireFile(draft, `kafka_2.13-${KAFKA_VERSION}.jar`);
  };
  return { title: `kafka ${KAFKA_VERSION}`, directory, fetch: () => cachedDirectory(directory, fill) };
}

/**
 * Returns the unpacked Apicurio release, kept under `cacheDir`. The artefact is asked for by itself: as a dependency of a pom it
 * would need its parent pom, which 3.0.9 does not have on Maven Central.
 */
export function apicurioRelease(cacheDir: string): Artefact {
  const directory = join(cacheDir, `apicurio-${APICURIO_VERSION}`);
  const fill = async (draft: string): Promise<void> => {
    const artefact = `-Dartifact=io.apicurio:apicurio-registry-app:${APICURIO_VERSION}:tar.gz:all`;
    await maven(
      'unpack',
      artefact,
      `-DoutputDirectory=${draft}`,
      `-DmarkersDirectory=${join(draft, '.markers')}`,
    );
    requireFile(draft, `apicurio-registry-app-${APICURIO_VERSION}-runner.jar`);
  };
  return { title: `apicurio ${APICURIO_VERSION}`, directory, fetch: () => cachedDirectory(directory, fill) };
}
