import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Component } from './component.ts';
import { askKafka } from './kafka-probe.ts';
import { KAFKA_LOG_SETTINGS, kafkaSettings } from './kafka-settings.ts';
import type { KafkaListener } from './kafka-settings.ts';
import { KAFKA_VERSION } from './maven-artefacts.ts';
import { runCommand } from './run-command.ts';

/** What the broker needs from the machine. */
export interface KafkaDeps {
  /** The `java` command. */
  readonly java: () => Promise<string>;
  /** The directory of the broker's jars. */
  readonly jars: () => Promise<string>;
  /** Further ways into the broker. */
  readonly listeners: readonly KafkaListener[];
}

/** Returns the cluster id that formatting wrote, or undefined when the directory is not formatted. */
function clusterIdOf(logDir: string): string | undefined {
  const path = join(logDir, 'meta.properties');
  return existsSync(path) ? /^cluster\.id=(.+)$/m.exec(readFileSync(path, 'utf8'))?.[1]?.trim() : undefined;
}

/** Returns a new cluster id: 16 bytes in base64url that do not begin with '-', which the tool would take for an option. */
function newClusterId(): string {
  const bytes = randomBytes(16);
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0);
  return bytes.toString('base64url');
}

/** Returns the component that runs Apache Kafka as one KRaft node. */
export function createKafkaComponent({ java, jars, listeners }: KafkaDeps): Component {
  return {
    name: 'kafka',
    title: `kafka ${KAFKA_VERSION}`,
    standardPorts: [9092],
    startLimitMs: 90_000,
    stopLimitMs: 20_000,
    addressOf: (port) => `127.0.0.1:${String(port)}`,
    prepare: async ({ dir, port, innerPort }) => {
      mkdirSync(dir, { recursive: true });
      const logDir = join(dir, 'data');
      const settingsFile = join(dir, 'server.properties');
      const logSettingsFile = join(dir, 'log4j2.properties');
      writeFileSync(settingsFile, kafkaSettings({ port, controllerPort: innerPort, logDir, listeners }));
      writeFileSync(logSettingsFile, KAFKA_LOG_SETTINGS);
      const command = await java();
      const shared = [
        `-Dlog4j2.configurationFile=${logSettingsFile}`,
        '-XX:+UseSerialGC',
        '-XX:TieredStopAtLevel=1', // compiling thoroughly takes a core for longer than a local broker lives
        '-cp',
        join(await jars(), '*'),
      ];
      if (clusterIdOf(logDir) === undefined) {
        const format = [
          'kafka.tools.StorageTool',
          'format',
          '--cluster-id',
          newClusterId(),
          '--config',
          settingsFile,
        ];
        await runCommand({ command, args: ['-Xmx128m', ...shared, ...format] });
      }
      const heap = ['-Xms64m', '-Xmx512m', '-XX:+ExitOnOutOfMemoryError', '-Djava.awt.headless=true'];
      return { command, args: [...heap, ...shared, 'kafka.Kafka', settingsFile] };
    },
    ask: async ({ dir, port }) => {
      const { clusterId, brokerCount } = await askKafka('127.0.0.1', port);
      const ours = clusterIdOf(join(dir, 'data'));
      if (clusterId !== ours)
        throw new Error(`cluster ${clusterId} answers on port ${String(port)}, not ${ours ?? 'ours'}`);
      if (brokerCount === 0) throw new Error('the broker has not registered yet');
    },
  };
}
