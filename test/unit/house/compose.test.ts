import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import packageJson from '../../../package.json' with { type: 'json' };
import { SERVICE_SETTINGS } from './service-settings.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[];
  readonly user?: string;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart?: string;
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly container_name?: string;
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

const text = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');
const compose = parse(text('docker-compose.yml'), { merge: true }) as {
  services: Readonly<Record<string, ComposeService>>;
  volumes: Readonly<Record<string, unknown>>;
};
const all = Object.entries(compose.services);

function composed(name: string): ComposeService {
  const found = compose.services[name];
  assert.ok(found, `docker-compose.yml has no service ${name}`);
  return found;
}

function environmentOf(name: string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(composed(name).environment ?? {}).map(([key, value]) => [key, String(value)]),
  );
}

/** Returns published and container port of a mapping, defaults of variables filled in. */
function portOf(mapping: string): { host: string; published: string; target: string } {
  const plain = mapping.replace(/\$\{[A-Z_]+:-([^}]*)\}/g, '$1');
  const [host = '', published = '', target = ''] = plain.split(':');
  return { host, published, target };
}

for (const [name, { settings, load }] of SERVICE_SETTINGS) {
  const ports = settings.filter((setting) => /^(HTTP|GRPC)_PORT$/.test(setting.name));

  test(`${name} is given settings that it has and takes`, () => {
    const known = settings.map((setting) => setting.name);
    const environment = environmentOf(name);
    assert.deepEqual(
      Object.keys(environment).filter((key) => !known.includes(key)),
      [],
    );
    const config = load(environment);
    assert.equal(config['HTTP_HOST'], '0.0.0.0');
    assert.equal(config['KAFKA_BROKERS'], 'kafka:19092');
    const needsRedis = known.includes('REDIS_URL');
    assert.equal(config['REDIS_URL'], needsRedis ? 'redis://redis:6379' : undefined);
    assert.equal('redis' in (composed(name).depends_on ?? {}), needsRedis);
  });

  test(`${name} listens and is published on its standard ports, on this machine only`, () => {
    for (const port of ports) assert.equal(environmentOf(name)[port.name], port.default);
    assert.deepEqual(
      (composed(name).ports ?? []).map(portOf),
      ports.map((port) => ({ host: '127.0.0.1', published: port.default, target: port.default })),
    );
  });

  test(`${name} runs its main.ts after the topics are made, and is restarted unless it is stopped`, () => {
    const { command, depends_on: after, restart, stop_grace_period: grace } = composed(name);
    const [program, ...more] = command ?? [];
    assert.equal(program, 'node');
    assert.equal(more.pop(), `services/${name}/main.ts`);
    assert.ok(more.every((flag) => flag.startsWith('--')));
    assert.ok(existsSync(join(REPOSITORY, 'services', name, 'main.ts')));
    assert.equal(after?.['topics']?.condition, 'service_completed_successfully');
    assert.equal(restart, 'unless-stopped');
    const stopMs = Number(load(environmentOf(name))['STOP_TIMEOUT_MS']);
    assert.ok(
      Number.parseInt(grace ?? '0', 10) * 1000 > stopMs,
      `${String(grace)}, a stop may take ${String(stopMs)} ms`,
    );
  });

  test(`${name} is healthy when it says that it is ready`, () => {
    const [kind, command, flag, script] = composed(name).healthcheck?.test ?? [];
    assert.deepEqual([kind, command, flag], ['CMD', 'node', '-e']);
    assert.match(script ?? '', /^fetch\('http:\/\/127\.0\.0\.1:' \+ process\.env\.HTTP_PORT \+ '\/readyz'\)/);
  });
}

test('the step that makes topics is given settings that it has, waits for what it needs and runs once', () => {
  const { command, depends_on: after, restart } = composed('topics');
  assert.deepEqual(command, ['node', 'deploy/topics/main.ts']);
  assert.equal(restart, 'no');
  assert.equal(after?.['kafka']?.condition, 'service_healthy');
  assert.equal(after['schema-registry']?.condition, 'service_healthy');
  const help = execFileSync(process.execPath, ['deploy/topics/main.ts', '--help'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  const known = /^settings: (.*)$/m.exec(help)?.[1]?.split(', ') ?? [];
  assert.ok(known.length > 0);
  assert.deepEqual(
    Object.keys(environmentOf('topics')).filter((key) => !known.includes(key)),
    [],
  );
});

test('everything published is published to this machine only, and no two on one port', () => {
  const ports = all.flatMap(([, { ports: mappings = [] }]) => mappings.map(portOf));
  assert.ok(ports.every(({ host }) => host === '127.0.0.1'));
  assert.equal(new Set(ports.map(({ published }) => published)).size, ports.length);
});

test('the components are published where the settings look for them by default', () => {
  const defaults = new Map(SERVICE_SETTINGS.get('ingest')?.settings.map((one) => [one.name, one.default]));
  const publishedOf = (name: string): string => portOf(composed(name).ports?.[0] ?? '').published;
  assert.equal(defaults.get('KAFKA_BROKERS'), `127.0.0.1:${publishedOf('kafka')}`);
  assert.equal(defaults.get('REDIS_URL'), `redis://127.0.0.1:${publishedOf('redis')}`);
  assert.ok(
    defaults.get('SCHEMA_REGISTRY_URL')?.startsWith(`http://127.0.0.1:${publishedOf('schema-registry')}/`),
  );
});

test('nothing has capabilities or can gain privileges; what is ours is neither root nor able to write', () => {
  for (const [
    name,
    { cap_drop: dropped, security_opt: options, image, user, read_only: isReadOnly },
  ] of all) {
    assert.deepEqual(dropped, ['ALL'], name);
    assert.deepEqual(options, ['no-new-privileges:true'], name);
    if (!image.startsWith('headrace:')) continue;
    assert.equal(user, 'node', name);
    assert.equal(isReadOnly, true, name);
  }
});

test('every image is pinned, and ours has the version of the package', () => {
  for (const [name, { image }] of all) assert.match(image, /^[a-z/-]+:v?[0-9][0-9.]*$/, name);
  const ours = all.filter(([, { image }]) => image.startsWith('headrace:')).map(([, { image }]) => image);
  assert.deepEqual([...new Set(ours)], [`headrace:${packageJson.version}`]);
});

test('everything that goes on running has a health check', () => {
  for (const [name, { healthcheck, restart }] of all) {
    assert.equal(healthcheck !== undefined, restart !== 'no', name);
  }
});

test('any number of routers can run: none has a name or an id, and each a directory that no other has', () => {
  const { container_name: container, volumes } = composed('router');
  assert.equal(container, undefined);
  const environment = environmentOf('router');
  assert.deepEqual(volumes, [environment['DATA_DIR']], 'a volume without a name is the container’s own');
  assert.equal(environment['INSTANCE_ID'], undefined);
  assert.match(composed('router').ports?.[0] ?? '', /\$\{ROUTER_PORTS:-8080\}/);
});

test('Kafka has its whole configuration, its data on the volume, and takes the largest record', () => {
  const environment = environmentOf('kafka');
  assert.equal(environment['KAFKA_PROCESS_ROLES'], 'broker,controller');
  assert.equal(environment['KAFKA_AUTO_CREATE_TOPICS_ENABLE'], 'false');
  assert.ok(composed('kafka').volumes?.includes(`kafka-data:${environment['KAFKA_LOG_DIRS'] ?? ''}`));
  assert.ok(Number(environment['KAFKA_MESSAGE_MAX_BYTES']) > 17 * 1024 * 1024);
  const advertised = (environment['KAFKA_ADVERTISED_LISTENERS'] ?? '')
    .split(',')
    .map((one) => one.split('://')[0]);
  const listening = (environment['KAFKA_LISTENERS'] ?? '').split(',').map((one) => one.split('://')[0]);
  assert.deepEqual(listening, [...advertised, environment['KAFKA_CONTROLLER_LISTENER_NAMES']]);
});

test('Redis acknowledges what is on the disk, and evicts nothing', () => {
  const command = (composed('redis').command ?? []).join(' ');
  for (const option of [
    '--appendonly yes',
    '--appendfsync always',
    '--maxmemory-policy noeviction',
    '--dir /data',
  ])
    assert.ok(command.includes(option), option);
  assert.ok(composed('redis').volumes?.includes('redis-data:/data'));
});

test('every volume that is used is declared', () => {
  const used = all.flatMap(([, { volumes = [] }]) => volumes.map((volume) => volume.split(':')[0] ?? ''));
  const [files, named] = [
    used.filter((one) => one.startsWith('./')),
    used.filter((one) => !one.startsWith('./') && !one.startsWith('/')),
  ];
  for (const file of files) assert.ok(existsSync(join(REPOSITORY, file)), file);
  assert.deepEqual(named.sort(), Object.keys(compose.volumes).sort());
});

test('the image is made by the steps that are taken locally, and runs as an ordinary user', () => {
  const lines = text('deploy/Dockerfile').split('\n');
  const steps = lines.filter((line) => /^[A-Z]+ /.test(line));
  assert.deepEqual(
    steps.filter((line) => line.startsWith('FROM ')),
    ['FROM node:24-slim AS dependencies', 'FROM node:24-slim'],
  );
  assert.ok(steps.includes('RUN npm ci --omit=dev --ignore-scripts'));
  assert.ok(lines.some((line) => line.includes('*/linux/$(node -p process.arch)')));
  assert.deepEqual(steps.slice(-2), ['USER node', 'CMD ["node", "services/router/main.ts"]']);
  const copied = steps.flatMap((line) => /^COPY (?!--from)(.+) \S+$/.exec(line)?.[1]?.split(' ') ?? []);
  for (const path of copied) assert.ok(existsSync(join(REPOSITORY, path)), path);
});

test('what the Dockerfile copies is not ignored', () => {
  const ignore = text('.dockerignore').split('\n');
  assert.ok(ignore.includes('*'));
  const copied = [...text('deploy/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
    ([, paths]) => paths?.split(' ') ?? [],
  );
  for (const path of copied) assert.ok(ignore.includes(`!${path}`), path);
});
