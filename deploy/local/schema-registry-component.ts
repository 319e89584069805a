import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './component.ts';
import { APICURIO_VERSION } from './maven-artefacts.ts';
import { askApicurioName, askSchemaRegistry, confluentUrl } from './schema-registry-probe.ts';

/** What the registry needs from the machine and from the rest of the stack. */
export interface SchemaRegistryDeps {
  readonly java: () => Promise<string>;
  /** The directory of the unpacked release. */
  readonly release: () => Promise<string>;
  /** Where its schemas are stored. */
  readonly kafkaBrokers: () => string;
}

/** Returns the component that runs the Apicurio registry, stored in Kafka, with Confluent's API. */
export function createSchemaRegistryComponent({
  java,
  release,
  kafkaBrokers,
}: SchemaRegistryDeps): Component {
  return {
    name: 'schema-registry',
    title: `apicurio ${APICURIO_VERSION}`,
    standardPorts: [8081],
    startLimitMs: 120_000,
    stopLimitMs: 15_000,
    addressOf: confluentUrl,
    prepare: async ({ dir, port }) => {
      mkdirSync(dir, { recursive: true });
      const settings: Readonly<Record<string, string | number>> = {
        'apicurio.app.name': dir,
        'apicurio.storage.kind': 'kafkasql',
        'apicurio.kafkasql.bootstrap.servers': kafkaBrokers(),
        // at its start it looks this long for a snapshot of the journal; the default is 5 s, and without one it reads it all
        'apicurio.kafkasql.consumer.poll.timeout': 250,
        'apicurio.storage.snapshot.location': dir,
        'quarkus.http.host': '127.0.0.1',
        'quarkus.http.port': port,
        'quarkus.http.io-threads': 2,
        'quarkus.http.access-log.enabled': 'false',
        'quarkus.thread-pool.max-threads': 8,
        'java.io.tmpdir': dir,
      };
      const jvm = [
        '-Xms48m',
        '-Xmx384m',
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1',
        '-XX:+ExitOnOutOfMemoryError',
      ];
      const properties = Object.entries(settings).map(([name, value]) => `-D${name}=${String(value)}`);
      const jar = join(await release(), `apicurio-registry-app-${APICURIO_VERSION}-runner.jar`);
      return { command: await java(), args: [...jvm, ...properties, '-jar', jar] };
    },
    ask: async ({ dir, port }) => {
      await askSchemaRegistry(confluentUrl(port));
      const name = await askApicurioName(port);
      if (name !== dir)
        throw new Error(`registry '${String(name)}' answers on port ${String(port)}, not '${dir}'`);
    },
  };
}
