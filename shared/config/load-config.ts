import { CRASH_AT_PATTERN } from '../runtime/crash-point.ts';
import { Type } from 'typebox';
import { Settings } from 'typebox/system';
import type { Static, TObject } from 'typebox';
import Value from 'typebox/value';
import { HeadraceError } from '../errors.ts';

/** TypeBox stops at eight by itself. */
const FAULTS_MAX = 1000;
Settings.Set({ maxErrors: FAULTS_MAX });

/** Returns the settings read from an environment: converted, defaulted, checked and frozen. */
export function loadConfig<Schema extends TObject>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
  relations: readonly ((config: Static<Schema>) => string | undefined)[] = [],
): Readonly<Static<Schema>> {
  const given: Record<string, unknown> = {};
  for (const name of Object.keys(schema.properties)) {
    const raw = environment[name];
    if (raw !== undefined && raw !== '') given[name] = raw;
  }
  const value = Value.Convert(schema, Value.Default(schema, given));
  const faults = [...Value.Errors(schema, value)].map(({ instancePath, message }) => {
    const name = instancePath.slice(1);
    return name === '' ? message : `${name}=${String(given[name])}: ${message}`;
  });
  const config = value as Static<Schema>;
  const isShaped = faults.length === 0;
  if (isShaped)
    faults.push(...relations.map((relation) => relation(config)).filter((fault) => fault !== undefined));
  if (isShaped && faults.length === 0) return Object.freeze(config);
  throw new HeadraceError(`settings: ${faults.join('; ')}`, { code: 'config-invalid', retriable: false });
}

/** Settings that every service has. */
export const commonSettings = {
  KAFKA_BROKERS: Type.String({
    default: '127.0.0.1:9092',
    minLength: 1,
    description: 'Kafka brokers, host:port, comma separated.',
  }),
  SCHEMA_REGISTRY_URL: Type.String({
    default: 'http://127.0.0.1:8081/apis/ccompat/v7',
    minLength: 1,
    description: 'Schema registry with the Confluent API.',
  }),
  INSTANCE_ID: Type.String({
    default: '',
    maxLength: 64,
    pattern: '^[A-Za-z0-9._:-]*$',
    description:
      'Name of this process, the same after a restart and used by no other. Empty: host name and HTTP_PORT.',
  }),
  HTTP_HOST: Type.String({ default: '127.0.0.1', minLength: 1, description: 'Address to listen on.' }),
  LOG_LEVEL: Type.Enum(['debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    description: 'Least severe log level that is written.',
  }),
  STOP_TIMEOUT_MS: Type.Integer({
    default: 10_000,
    minimum: 100,
    maximum: 120_000,
    description: 'How long a graceful stop may take, ms.',
  }),
};

/** The Redis setting, for services that keep state. */
export const redisSettings = {
  REDIS_URL: Type.String({
    default: 'redis://127.0.0.1:6379',
    minLength: 1,
    description: 'Redis with appendonly yes, appendfsync always, noeviction.',
  }),
};

/** The setting for services that take part in traces. */
export const traceSettings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.String({
    default: '',
    pattern: '^(https?://.+)?$',
    description:
      'OpenTelemetry collector, OTLP over HTTP, as http://127.0.0.1:4318, for requests that are traced; empty: none.',
  }),
};

/** The setting for services whose recovery is proven by killing them. */
export const crashSettings = {
  CRASH_AT: Type.String({
    default: '',
    pattern: CRASH_AT_PATTERN,
    description:
      'For proofs: a crash point and at which passing of it to die by SIGKILL, as state-captured:3; empty for never.',
  }),
};

/** Returns the port setting of a service. 0 lets the system choose. */
export function portSetting(port: number): ReturnType<typeof Type.Integer> {
  return Type.Integer({ default: port, minimum: 0, maximum: 65_535, description: 'Port to listen on.' });
}

/** Returns the brokers of a comma separated setting. */
export function brokersOf(setting: string): string[] {
  return setting
    .split(',')
    .map((broker) => broker.trim())
    .filter((broker) => broker !== '');
}

/** Returns the name of this process within its service. */
export function instanceOf(settings: { INSTANCE_ID: string; HTTP_PORT: number }, host: string): string {
  return settings.INSTANCE_ID === '' ? `${host}:${String(settings.HTTP_PORT)}` : settings.INSTANCE_ID;
}
