import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import type { Metric } from 'prom-client';
import { TOPICS } from '../../../shared/events/topics.ts';
import type { TopicSettings } from '../../../shared/events/topics.ts';
import { createMetrics } from '../../../shared/observability/metrics.ts';
import { EVERY_SERVICE, METRICS } from './service-metrics.ts';
import { SERVICE_SETTINGS } from './service-settings.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const text = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8');
const architecture = text('ARCHITECTURE.md');

/** Returns the part of ARCHITECTURE.md under a heading, up to the next one of its level or above. */
function section(heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const lines = architecture.split('\n');
  const start = lines.indexOf(heading);
  assert.ok(start >= 0, `ARCHITECTURE.md has no heading "${heading}"`);
  const rest = lines.slice(start + 1);
  const end = rest.findIndex((line) => {
    const marks = /^(#+) /.exec(line)?.[1];
    return marks !== undefined && marks.length <= level;
  });
  return (end < 0 ? rest : rest.slice(0, end)).join('\n');
}

/** Returns the cells of every row of the tables in a text, the heads left out. */
function rows(markdown: string): string[][] {
  const lines = markdown.split('\n');
  return lines
    .filter(
      (line, index) =>
        line.startsWith('|') && !/^\|[-| ]+\|$/.test(line) && !/^\|[-| ]+\|$/.test(lines[index + 1] ?? ''),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim().replace(/^`(.*)`$/, '$1')),
    );
}

function keptOf({ config }: TopicSettings): string {
  const retentionMs = Number(config['retention.ms'] ?? '-1');
  const days = retentionMs < 0 ? 'for ever' : `${String(retentionMs / 86_400_000)} d`;
  const policy = config['cleanup.policy'];
  if (policy === 'delete') return days;
  return policy === 'compact' ? 'compacted' : `compacted, ${days}`;
}

test('the catalogue of topics has every topic with its retention, partitions and largest record', () => {
  const found = rows(section('### Topics')).map((cells) => cells.slice(0, 4));
  const expected = TOPICS.map((topic) => [
    topic.name,
    keptOf(topic),
    topic.isSharded ? 'sharded' : '1',
    `${String(Number(topic.config['max.message.bytes']) / 1024 / 1024)} MiB`,
  ]);
  assert.deepEqual(found, expected);
});

test('a topic’s writers and readers are the services whose code names it', () => {
  const sources = globSync('services/*/**/*.ts', { cwd: REPOSITORY }).map((file) => ({
    service: file.split(/[\\/]/)[1] ?? '',
    code: text(file),
  }));
  for (const [topic = '', , , , , writers = '', readers = ''] of rows(section('### Topics'))) {
    const named = [...SERVICE_SETTINGS.keys()].filter((name) => `${writers} ${readers}`.includes(name));
    const naming = sources.filter(({ code }) => code.includes(`'${topic}'`)).map(({ service }) => service);
    assert.deepEqual(named.sort(), [...new Set(naming)].sort(), topic);
  }
});

test('the catalogue of error codes has every code', () => {
  const union = /type ErrorCode =([^;]*);/.exec(text('shared/errors.ts'))?.[1] ?? '';
  const codes = [...union.matchAll(/'([a-z-]+)'/g)].map(([, code]) => code);
  assert.ok(codes.length > 0);
  assert.deepEqual(
    rows(section('### Error codes')).map(([code]) => code),
    codes,
  );
});

test('the catalogue of metrics has every metric of every service with its kind, labels and help', async () => {
  assert.deepEqual(Object.keys(METRICS), [...SERVICE_SETTINGS.keys()]);
  for (const [service, create] of Object.entries({ ...EVERY_SERVICE, ...METRICS })) {
    const metrics = createMetrics();
    await create(metrics);
    const ours = (await metrics.registry.getMetricsAsJSON()).filter(({ name }) =>
      name.startsWith('headrace_'),
    );
    const expected = ours.map(({ name, help, type }) => {
      const { labelNames } = metrics.registry.getSingleMetric(name) as Metric & {
        labelNames: readonly string[];
      };
      return [name, String(type), labelNames.join(', '), help];
    });
    assert.ok(expected.length > 0, service);
    assert.deepEqual(rows(section(`#### Metrics of ${service}`)), expected);
  }
});

/** What a document says of a setting: default, range and description. */
type Told = ReadonlyMap<string, string>;

/** Returns what groups of settings say of one service; a group names its services. */
function toldOf(
  groups: readonly { readonly services: string; readonly told: Told }[],
  service: string,
): [string, string][] {
  const mine = groups.filter(({ services }) => services.split(', ').includes(service));
  return mine.flatMap(({ told }) => [...told]).sort(([a], [b]) => a.localeCompare(b));
}

function declaredOf(service: string): [string, string][] {
  const { settings = [] } = SERVICE_SETTINGS.get(service) ?? {};
  return settings
    .map((one): [string, string] => [one.name, `${one.default} | ${one.range} | ${one.description}`])
    .sort(([a], [b]) => a.localeCompare(b));
}

/** The settings of the step that makes topics, which are no service's. */
const TOPICS_STEP = 'npm run topics';
const topicsSettings = (): string[] => {
  const help = execFileSync(process.execPath, ['deploy/topics/main.ts', '--help'], {
    cwd: REPOSITORY,
    encoding: 'utf8',
  });
  return (/^settings: (.*)$/m.exec(help)?.[1]?.split(', ') ?? []).sort();
};

test('the catalogue of settings has every setting of every service with its default, range and description', () => {
  const groups = section('### Settings')
    .split(/^#### /m)
    .slice(1)
    .map((part) => {
      const [services = '', ...rest] = part.split('\n');
      const told = rows(rest.join('\n')).map(
        ([name = '', given = '', range = '', description = '']): [string, string] => [
          name,
          `${given === '(empty)' ? '' : given} | ${range} | ${description}`,
        ],
      );
      return { services, told: new Map(told) };
    });
  for (const service of SERVICE_SETTINGS.keys())
    assert.deepEqual(toldOf(groups, service), declaredOf(service), service);
  assert.deepEqual(
    toldOf(groups, TOPICS_STEP).map(([name]) => name),
    topicsSettings(),
  );
  const known = [...SERVICE_SETTINGS.keys(), TOPICS_STEP];
  for (const { services } of groups)
    for (const name of services.split(', ')) assert.ok(known.includes(name), name);
});

test('.env.example has every setting of every service with its default, range and description', () => {
  const groups = text('.env.example')
    .split(/^# == /m)
    .slice(1)
    .map((part) => {
      const services = part.slice(0, part.indexOf(' =='));
      const told = [...part.matchAll(/^# (.*) \[(.*)\]\n#([A-Z_]+)=(.*)$/gm)].map(
        ([, description = '', range = '', name = '', given = '']): [string, string] => [
          name,
          `${given} | ${range} | ${description}`,
        ],
      );
      assert.equal(told.length, (part.match(/^#?[A-Z_]+=/gm) ?? []).length, services);
      return { services, told: new Map(told) };
    });
  for (const service of SERVICE_SETTINGS.keys())
    assert.deepEqual(toldOf(groups, service), declaredOf(service), service);
  assert.deepEqual(
    toldOf(groups, TOPICS_STEP).map(([name]) => name),
    topicsSettings(),
  );
});

test('every file of this repository that a document names exists', () => {
  const documents = [
    ...globSync('*.md', { cwd: REPOSITORY }),
    ...globSync(['deploy/README.md', '{services,deploy}/*/README.md'], { cwd: REPOSITORY }),
    'schemas/README.md',
  ];
  for (const document of documents) {
    const named = text(document).matchAll(
      /`((?:test|shared|services|deploy|schemas)\/[\w./-]+\.(?:ts|mjs|md|avsc|sh))`/g,
    );
    for (const [, file = ''] of named)
      assert.ok(existsSync(join(REPOSITORY, file)), `${document} names ${file}`);
  }
});
