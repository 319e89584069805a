import { parseArgs } from 'node:util';
import { messageOf } from '../../shared/errors.ts';
import { DEFAULT_DATA_DIR } from './data-directory.ts';
import { stackDown, stackStatus } from './stack-commands.ts';
import { startStack } from './stack.ts';

const HELP = `usage: npm run stack -- <up | down | status> [--data-dir DIR] [--purge]

  up       start Kafka, Redis and the schema registry; they go on after this command. What runs already is left alone.
  down     stop them; their data stays
  status   ask each one; exit code 1 when one does not answer

  --data-dir DIR   where data and logs are (default: .headrace/stack in the repository)
  --purge          with down: remove the data and logs as well
  --help           this text

KAFKA_BROKERS, REDIS_URL, SCHEMA_REGISTRY_URL name existing components, which are then used instead of started.`;

async function up(dataDir: string): Promise<number> {
  const print = (line: string): void => {
    console.log(line);
  };
  const stack = await startStack({ dataDir, preferStandardPorts: true, onProgress: print, env: process.env });
  console.log(`
export KAFKA_BROKERS=${stack.kafkaBrokers}
export REDIS_URL=${stack.redisUrl}
export SCHEMA_REGISTRY_URL=${stack.schemaRegistryUrl}`);
  return 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'data-dir': { type: 'string', default: DEFAULT_DATA_DIR },
      purge: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const [verb, ...rest] = positionals;
  const dataDir = values['data-dir'];
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (rest.length > 0 || (values.purge && verb !== 'down')) {
    console.error(HELP);
    return 2;
  }
  switch (verb) {
    case 'up':
      return up(dataDir);
    case 'down':
      return stackDown(dataDir, { isPurge: values.purge, print: console.log });
    case 'status':
      return stackStatus(dataDir, { env: process.env, print: console.log });
    default:
      console.error(HELP);
      return 2;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
