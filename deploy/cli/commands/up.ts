import { createReadStream, existsSync, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { startFleet } from '../../fleet/fleet.ts';
import { makeRunDirectory } from '../../local/data-directory.ts';
import { startStack } from '../../local/stack.ts';
import { ensureSetup, oneBrokerLayout } from '../../topics/setup.ts';
import { createKafkaClient } from '../../../shared/kafka/client.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import type { Io } from '../io.ts';
import type { Tone } from '../io.ts';

const LOOK_EVERY_MS = 250;
const TONES: readonly Tone[] = ['good', 'busy', 'strong', 'quiet', 'bad'];
const LEVELS: Readonly<Record<number, string>> = { 40: 'warning', 50: 'ERROR', 60: 'ERROR' };

/** Returns a line of a service's log as people read it. */
export function logLine(text: string): string {
  let entry: { level?: number; time?: string; msg?: string } & Record<string, unknown>;
  try {
    entry = JSON.parse(text) as typeof entry;
  } catch {
    return text;
  }
  const { level = 30, time = '', msg = '', service: _service, ...rest } = entry;
  const more = Object.entries(rest).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return [time.slice(11, 23), LEVELS[level] ?? '', msg, ...more].filter((one) => one !== '').join(' ');
}

/** Writes what is new in a log, line by line, and returns how far it was read. */
async function follow(file: string, from: number, write: (line: string) => void): Promise<number> {
  if (!existsSync(file)) return from;
  const end = statSync(file).size;
  if (end <= from) return from;
  for await (const line of createInterface({ input: createReadStream(file, { start: from, end: end - 1 }) }))
    write(logLine(line));
  return end;
}

async function up(context: Context): Promise<void> {
  const { io, paint } = context;
  const dataDir = makeRunDirectory();
  const say = (line: string): void => {
    io.out(`${line}\n`);
  };
  const stack = await startStack({ dataDir, ephemeral: true, onProgress: say });
  try {
    const kafka = createKafkaClient({
      brokers: stack.kafkaBrokers.split(','),
      clientId: 'headrace-up',
      log: silentLog,
    });
    const layout = oneBrokerLayout(8);
    const setup = { kafka, schemaRegistryUrl: stack.schemaRegistryUrl, layout };
    await ensureSetup(setup);
    const fleet = await startFleet({ stack, dataDir, preferStandardPorts: true, onProgress: say });
    try {
      for (const { name, url } of fleet.all) say(`${name.padEnd(15)} ${url}`);
      say(
        `KAFKA_BROKERS=${stack.kafkaBrokers} SCHEMA_REGISTRY_URL=${stack.schemaRegistryUrl} REDIS_URL=${stack.redisUrl}`,
      );
      say('everything is up; Ctrl-C ends it, and what it holds with it');
      const read = new Map<string, number>();
      while (!io.signal.aborted) {
        for (const [index, { name, logFile }] of fleet.all.entries()) {
          const tone = TONES[index % TONES.length] ?? 'quiet';
          const next = await follow(logFile, read.get(logFile) ?? 0, (line) => {
            say(`${paint(tone, name.padEnd(15))} ${line}`);
          });
          read.set(logFile, next);
        }
        await io.pause(LOOK_EVERY_MS);
      }
    } finally {
      say('stopping');
      await fleet.stop();
    }
  } finally {
    await stack.stop();
  }
}

/** Adds `up`. */
export function upCommand(program: Command, io: Io): void {
  program
    .command('up')
    .description('Kafka, Redis, the schema registry and all services in the foreground, with their logs')
    .action((_options: object, command: Command) => inContext(io, command, up));
}
