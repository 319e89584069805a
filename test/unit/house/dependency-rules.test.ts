import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { cruise } from 'dependency-cruiser';
import type { ICruiseOptions, ICruiseResult, IFlattenedRuleSet } from 'dependency-cruiser';

const REPOSITORY = resolve(import.meta.dirname, '../../..');
const { forbidden = [], options } = createRequire(import.meta.url)(
  join(REPOSITORY, '.dependency-cruiser.cjs'),
) as IFlattenedRuleSet & { options: ICruiseOptions };

/** A file of the planted tree and what it imports, by path from the root or by package name. */
type Tree = Readonly<Record<string, readonly string[]>>;

const PACKAGES = [
  'preact',
  'htm',
  'uplot',
  'kafkajs',
  '@kafkajs/confluent-schema-registry',
  'avsc',
  'ioredis',
  'fastify',
  'secure-json-parse',
  '@grpc/grpc-js',
  '@grpc/proto-loader',
  'onnxruntime-node',
  'protobufjs',
  'prom-client',
];

/** What may stand as it is: every layer imports what it may, and every package is imported where it lives. */
const SOUND: Tree = {
  'shared/errors.ts': [],
  'shared/domain/rng.ts': [],
  'shared/events/topics.ts': [],
  'shared/events/codec.ts': ['avsc', '@kafkajs/confluent-schema-registry'],
  'shared/kafka/client.ts': ['kafkajs', 'shared/errors.ts', 'shared/events/codec.ts'],
  'shared/redis/connect.ts': ['ioredis'],
  'shared/onnx/scoring-graph.ts': ['protobufjs'],
  'shared/checkpoint/store.ts': ['ioredis'],
  'shared/http/app.ts': ['fastify', 'prom-client'],
  'shared/observability/metrics.ts': ['prom-client'],
  'services/a/domain/decide.ts': ['shared/domain/rng.ts'],
  'services/a/ports.ts': ['shared/kafka/client.ts'],
  'services/a/service.ts': [
    'services/a/ports.ts',
    'services/a/domain/decide.ts',
    'shared/events/topics.ts',
    'shared/errors.ts',
  ],
  'services/a/http/routes.ts': [
    'services/a/service.ts',
    'shared/http/app.ts',
    'fastify',
    'secure-json-parse',
  ],
  'services/a/grpc/server.ts': ['services/a/service.ts', '@grpc/grpc-js', '@grpc/proto-loader'],
  'services/a/adapters/store.ts': [
    'services/a/ports.ts',
    'ioredis',
    'onnxruntime-node',
    'protobufjs',
    'shared/redis/connect.ts',
  ],
  'services/a/web/main.ts': ['services/a/web/chart.ts', 'preact', 'htm'],
  'services/a/web/chart.ts': ['uplot'],
  'services/a/metrics.ts': ['shared/observability/metrics.ts', 'prom-client'],
  'services/a/config.ts': [],
  'services/a/main.ts': [
    'services/a/config.ts',
    'services/a/service.ts',
    'services/a/http/routes.ts',
    'services/a/grpc/server.ts',
    'services/a/adapters/store.ts',
    'services/a/metrics.ts',
    'shared/checkpoint/store.ts',
  ],
  'services/b/domain/other.ts': [],
  'services/b/main.ts': ['services/b/domain/other.ts'],
  'deploy/demo/main.ts': ['deploy/demo/story.ts', 'services/a/domain/decide.ts'],
  'deploy/demo/story.ts': ['shared/kafka/client.ts'],
  'test/unit/decide.test.ts': ['services/a/domain/decide.ts', 'test/support/given.ts', 'kafkajs', 'avsc'],
  'test/support/given.ts': [],
};

/** Each rule with files that break it, and which import of them does. */
const PLANTED: Readonly<Record<string, { readonly tree: Tree; readonly breaks: readonly string[] }>> = {
  'no-cycles': {
    tree: { 'deploy/demo/one.ts': ['deploy/demo/two.ts'], 'deploy/demo/two.ts': ['deploy/demo/one.ts'] },
    breaks: ['deploy/demo/one.ts → deploy/demo/two.ts'],
  },
  'no-orphans': {
    tree: { 'services/a/alone.ts': [] },
    breaks: ['services/a/alone.ts → services/a/alone.ts'],
  },
  'domain-is-pure': {
    tree: {
      'services/a/domain/uses-package.ts': ['yaml'],
      'services/a/domain/uses-node.ts': ['node:fs'],
      'services/a/domain/uses-service.ts': ['services/a/ports.ts'],
    },
    breaks: [
      'services/a/domain/uses-package.ts → node_modules/yaml/index.js',
      'services/a/domain/uses-node.ts → fs',
      'services/a/domain/uses-service.ts → services/a/ports.ts',
    ],
  },
  'shared-domain-knows-no-service': {
    tree: { 'shared/domain/uses-service.ts': ['services/a/domain/decide.ts'] },
    breaks: ['shared/domain/uses-service.ts → services/a/domain/decide.ts'],
  },
  'service-uses-ports': {
    tree: {
      'services/a/uses-kafka.ts': ['shared/kafka/client.ts'],
      'services/a/uses-adapter.ts': ['services/a/adapters/store.ts'],
      'services/a/uses-node.ts': ['node:crypto'],
    },
    breaks: [
      'services/a/uses-kafka.ts → shared/kafka/client.ts',
      'services/a/uses-adapter.ts → services/a/adapters/store.ts',
      'services/a/uses-node.ts → crypto',
    ],
  },
  'http-serves-the-service': {
    tree: {
      'services/a/http/uses-kafka.ts': ['shared/kafka/client.ts'],
      'services/a/http/uses-config.ts': ['services/a/config.ts'],
      'services/a/grpc/uses-kafka.ts': ['shared/kafka/client.ts'],
    },
    breaks: [
      'services/a/grpc/uses-kafka.ts → shared/kafka/client.ts',
      'services/a/http/uses-kafka.ts → shared/kafka/client.ts',
      'services/a/http/uses-config.ts → services/a/config.ts',
    ],
  },
  'adapters-serve-ports': {
    tree: {
      'services/a/adapters/uses-service.ts': ['services/a/service.ts'],
      'services/a/adapters/uses-http.ts': ['services/a/http/routes.ts'],
    },
    breaks: [
      'services/a/adapters/uses-service.ts → services/a/service.ts',
      'services/a/adapters/uses-http.ts → services/a/http/routes.ts',
    ],
  },
  'services-are-strangers': {
    tree: { 'services/a/adapters/uses-other.ts': ['services/b/domain/other.ts'] },
    breaks: ['services/a/adapters/uses-other.ts → services/b/domain/other.ts'],
  },
  'shared-knows-no-service': {
    tree: {
      'shared/kafka/uses-service.ts': ['services/a/domain/decide.ts'],
      'shared/kafka/uses-deploy.ts': ['deploy/demo/story.ts'],
    },
    breaks: [
      'shared/kafka/uses-service.ts → services/a/domain/decide.ts',
      'shared/kafka/uses-deploy.ts → deploy/demo/story.ts',
    ],
  },
  'production-knows-no-test': {
    tree: { 'deploy/demo/uses-test.ts': ['test/support/given.ts'] },
    breaks: ['deploy/demo/uses-test.ts → test/support/given.ts'],
  },
  'nobody-imports-main': {
    tree: { 'deploy/demo/uses-main.ts': ['services/b/main.ts'] },
    breaks: ['deploy/demo/uses-main.ts → services/b/main.ts'],
  },
  'page-imports-its-own': {
    tree: {
      'services/a/web/uses-package.ts': ['yaml'],
      'services/a/web/uses-routes.ts': ['services/a/http/routes.ts'],
      'services/a/web/uses-node.ts': ['node:fs'],
    },
    breaks: [
      'services/a/web/uses-package.ts → node_modules/yaml/index.js',
      'services/a/web/uses-routes.ts → services/a/http/routes.ts',
      'services/a/web/uses-node.ts → fs',
    ],
  },
  'page-knows-types-alone': {
    tree: {
      'services/a/web/uses-decision.ts': ['services/a/domain/decide.ts'],
      'services/a/web/uses-shared.ts': ['shared/domain/rng.ts'],
    },
    breaks: [
      'services/a/web/uses-decision.ts → services/a/domain/decide.ts',
      'services/a/web/uses-shared.ts → shared/domain/rng.ts',
    ],
  },
  'nobody-imports-the-page': {
    tree: { 'services/a/http/uses-page.ts': ['services/a/web/chart.ts'] },
    breaks: ['services/a/http/uses-page.ts → services/a/web/chart.ts'],
  },
  ...Object.fromEntries(
    PACKAGES.map((name) => {
      const file = `deploy/demo/uses-${name.replace('@', '').replace('/', '-')}.ts`;
      const rule = `home-of-${name.replace('@', '').replace('/', '-')}`;
      return [rule, { tree: { [file]: [name] }, breaks: [`${file} → node_modules/${name}/index.js`] }];
    }),
  ),
};

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function plant(root: string, tree: Tree): void {
  for (const [path, imports] of Object.entries(tree)) {
    const depth = path.split('/').length - 1;
    const lines = imports.map((wanted) => {
      const from = /^(shared|services|deploy|test)\//.test(wanted)
        ? `${'../'.repeat(depth)}${wanted}`
        : wanted;
      return `import * as _${String(imports.indexOf(wanted))} from '${from}';\n`;
    });
    write(root, path, `${lines.join('')}export const here = 1;\n`);
  }
}

/** Violations as `rule: from → to`. */
let found: string[] = [];
const root = mkdtempSync(join(tmpdir(), 'headrace-rules-'));

before(async () => {
  write(root, 'package.json', '{"type":"module"}');
  for (const name of [...PACKAGES, 'yaml']) {
    write(root, `node_modules/${name}/package.json`, `{"name":"${name}","main":"index.js"}`);
    write(root, `node_modules/${name}/index.js`, '');
  }
  plant(root, SOUND);
  const planted = Object.values(PLANTED).flatMap(({ tree }) => Object.keys(tree));
  for (const { tree } of Object.values(PLANTED)) plant(root, tree);
  // Someone imports what is planted, so that only the file meant to be alone is.
  plant(root, { 'test/unit/all.test.ts': planted.filter((path) => path !== 'services/a/alone.ts') });
  const { tsConfig: _ours, ...rest } = options;
  const { output } = await cruise(['services', 'shared', 'deploy', 'test'], {
    ...rest,
    baseDir: root,
    validate: true,
    ruleSet: { forbidden },
  });
  found = (output as ICruiseResult).summary.violations.map(
    ({ rule, from, to }) => `${rule.name}: ${from} → ${to}`,
  );
});
after(() => {
  rmSync(root, { recursive: true });
});

test('every dependency rule has a planted violation', () => {
  assert.deepEqual(forbidden.map(({ name }) => name).sort(), Object.keys(PLANTED).sort());
});

for (const [rule, { breaks }] of Object.entries(PLANTED)) {
  test(`the dependency rule ${rule} finds every violation that is planted for it`, () => {
    const mine = found.filter((violation) => violation.startsWith(`${rule}: `));
    for (const violation of breaks)
      assert.ok(mine.includes(`${rule}: ${violation}`), `${rule}: ${violation}\n${mine.join('\n')}`);
  });
}

test('files that keep all dependency rules break none', () => {
  const sound = found.filter((violation) =>
    Object.keys(SOUND).some((path) => violation.includes(`: ${path} → `)),
  );
  assert.deepEqual(sound, []);
});

test('every dependency rule says what to do instead', () => {
  for (const { name, comment } of forbidden) assert.ok((comment ?? '').length > 20, name);
});
