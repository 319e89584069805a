/** Who may import whom. Each comment says what to do instead; test/unit/house proves each rule by a planted violation. */
const SERVICE = '^services/([^/]+)/';

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Move what both need into a file of its own.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      comment: 'Delete it, or import it where it is needed.',
      severity: 'error',
      from: {
        orphan: true,
        pathNot: [
          '(^|/)main\\.ts$',
          '-cli\\.ts$',
          '^deploy/demo/replay-state\\.ts$',
          '^deploy/checks/',
          '\\.test\\.ts$',
          '\\.(js|cjs)$',
        ],
      },
      to: {},
    },
    {
      name: 'domain-is-pure',
      comment: 'A decision takes values and returns values: pass in what the package or module would give.',
      severity: 'error',
      from: { path: '/domain/' },
      to: { pathNot: [`${SERVICE}domain/`, '^shared/domain/'] },
    },
    {
      name: 'shared-domain-knows-no-service',
      comment: 'What one service decides with lives in that service.',
      severity: 'error',
      from: { path: '^shared/domain/' },
      to: { pathNot: '^shared/domain/' },
    },
    {
      name: 'service-uses-ports',
      comment: 'A use case names what it needs in ports.ts; main.ts gives it.',
      severity: 'error',
      from: { path: `${SERVICE}[^/]+\\.ts$`, pathNot: `${SERVICE}(main|config|metrics|ports)\\.ts$` },
      to: {
        pathNot: [
          `${SERVICE}[^/]+\\.ts$`,
          `${SERVICE}domain/`,
          '^shared/domain/',
          '^shared/(errors|events/topics|checkpoint/shard-saver)\\.ts$',
        ],
      },
    },
    {
      name: 'http-serves-the-service',
      comment: 'Routes translate; what they need of the world comes in as functions.',
      severity: 'error',
      from: { path: `${SERVICE}(http|grpc)/` },
      to: { path: ['^shared/(kafka|redis|checkpoint|events)/', `${SERVICE}(adapters/|main|config|metrics)`] },
    },
    {
      name: 'adapters-serve-ports',
      comment: 'An adapter does what a port says; it knows no use case, no route and no settings.',
      severity: 'error',
      from: { path: `${SERVICE}adapters/` },
      to: { path: [`${SERVICE}(http/|service|main|config|metrics)`] },
    },
    {
      name: 'services-are-strangers',
      comment: 'Services speak through topics. What two need moves to shared/domain.',
      severity: 'error',
      from: { path: SERVICE },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'shared-knows-no-service',
      comment: 'Turn it round: let the service pass in what shared needs.',
      severity: 'error',
      from: { path: '^shared/' },
      to: { path: ['^services/', '^deploy/'] },
    },
    {
      name: 'production-knows-no-test',
      comment: 'Move it out of test/ if production needs it.',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    {
      name: 'nobody-imports-main',
      comment: 'main.ts wires and starts; import what it wires.',
      severity: 'error',
      from: {},
      to: { path: '^services/[^/]+/main\\.ts$' },
    },
    ...[
      ['kafkajs', '^shared/kafka/'],
      ['@kafkajs/confluent-schema-registry', '^shared/events/'],
      ['avsc', '^shared/events/'],
      ['ioredis', ['^shared/(redis|checkpoint)/', '/adapters/']],
      ['fastify', ['^shared/http/', '/http/']],
      ['@grpc/grpc-js', '/grpc/'],
      ['@grpc/proto-loader', '/grpc/'],
      ['onnxruntime-node', ['^shared/onnx/', '/adapters/']],
      ['protobufjs', ['^shared/onnx/', '/adapters/']],
      ['prom-client', ['^shared/observability/', '/metrics\\.ts$', '^shared/http/']],
    ].map(([name, home]) => ({
      name: `home-of-${name.replace('@', '').replace('/', '-')}`,
      comment: `Only ${String(home)} may import ${name}; go through what stands there.`,
      severity: 'error',
      from: { pathNot: [home, '^test/'].flat() },
      to: { path: `^node_modules/${name}/` },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    exclude: { path: '^\\.headrace' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
