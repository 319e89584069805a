import type { Command } from 'commander';
import { parseModelSpec } from '../../../services/registry/adapters/model-spec-parser.ts';
import { messageOf } from '../../../shared/errors.ts';
import { logRanges, partitionCounts } from '../../../shared/kafka/partition-count.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { createRedis } from '../../../shared/redis/connect.ts';
import { oneBrokerLayout, planSetup } from '../../topics/setup.ts';
import { fileText } from '../arguments.ts';
import { inContext } from '../context.ts';
import type { Context } from '../context.ts';
import { CliError, EXIT } from '../io.ts';
import type { Io } from '../io.ts';
import { allModels } from '../overview.ts';
import { modelPath, SERVICE_URLS } from '../services.ts';
import type { ServiceName } from '../services.ts';
import { kafkaOf, stackAddress } from '../stack.ts';

function lint(context: Context, file: string): void {
  const parsed = parseModelSpec(fileText(file));
  const faults = parsed.ok ? [] : parsed.faults;
  context.print({ file, faults }, () =>
    faults.length === 0
      ? `${file} is sound\n`
      : faults.map(({ field, message }) => `${file}: ${field}: ${message}\n`).join(''),
  );
  if (faults.length > 0) throw new CliError('', EXIT.refused);
}

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  readonly isGood: boolean;
  readonly found: string;
  /** What to do when it is not good. */
  readonly fix: string | null;
}

const CLOCK_SKEW_MAX_MS = 5000;

type Look = () => Promise<Finding[]>;

const good = (what: string, found: string): Finding => ({ what, isGood: true, found, fix: null });
const bad = (what: string, found: string, fix: string): Finding => ({ what, isGood: false, found, fix });

/** Looks, and says what could not be looked at. */
async function orUnreachable(what: string, fix: string, look: Look): Promise<Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [bad(what, messageOf(error).split('\n')[0] ?? '', fix)];
  }
}

async function topicsFound({ io }: Context): Promise<Finding[]> {
  const kafka = kafkaOf(io);
  const counts = await partitionCounts(kafka, ['training-events.v1']);
  const partitions = counts.get('training-events.v1') ?? 8;
  const setup = {
    kafka,
    schemaRegistryUrl: stackAddress(io, 'SCHEMA_REGISTRY_URL'),
    layout: oneBrokerLayout(partitions),
  };
  const plan = await planSetup(setup);
  const topics = plan.topics.map((change) =>
    bad(
      `topic ${change.topic}`,
      change.kind === 'configure'
        ? `${change.setting} is ${change.from}, should be ${change.to}`
        : change.kind === 'create'
          ? 'does not exist'
          : change.why,
      change.kind === 'impossible' ? 'make it anew with the partitions it should have' : 'npm run topics',
    ),
  );
  const schemas = plan.schemas.filter(({ kind }) => kind !== 'same');
  return [
    good('kafka', `answers, ${String(partitions)} partitions a sharded topic`),
    ...(topics.length > 0 ? topics : [good('topics', 'all there, with their settings')]),
    ...(schemas.length > 0
      ? schemas.map(({ subject, kind }) => bad(`schema ${subject}`, kind, 'npm run topics'))
      : [good('schemas', 'registered and compatible')]),
  ];
}

const REDIS_WANTED = { appendonly: 'yes', appendfsync: 'always', 'maxmemory-policy': 'noeviction' } as const;

async function redisFound({ io }: Context): Promise<Finding[]> {
  const redis = createRedis({ url: stackAddress(io, 'REDIS_URL'), log: silentLog });
  try {
    await redis.connect();
    const findings: Finding[] = [];
    for (const [name, wanted] of Object.entries(REDIS_WANTED)) {
      const [, value = ''] = await redis.config('GET', name);
      const fix = `redis-cli config set ${name} ${wanted}, and in its configuration file`;
      findings.push(
        value === wanted
          ? good(`redis ${name}`, value)
          : bad(`redis ${name}`, `${value}, should be ${wanted}`, fix),
      );
    }
    return findings;
  } finally {
    redis.disconnect();
  }
}

async function serviceFound({ services, io }: Context, name: ServiceName): Promise<Finding[]> {
  const askedMs = io.nowMs();
  const answer = await services.send(name, '/readyz');
  const { waitsFor = [] } = answer.body as { waitsFor?: string[] };
  const skewMs = Math.abs(
    Date.parse(String(answer.headers['date'] ?? '')) + 500 - (askedMs + io.nowMs()) / 2,
  );
  return [
    answer.status === 200
      ? good(name, `ready at ${services.url(name)}`)
      : bad(name, `waits for ${waitsFor.join(', ')}`, 'look at what it waits for; it goes on by itself'),
    ...(skewMs > CLOCK_SKEW_MAX_MS
      ? [
          bad(
            `clock of ${name}`,
            `${(skewMs / 1000).toFixed(0)} s apart from this one`,
            'synchronise clocks (chrony, ntpd)',
          ),
        ]
      : []),
  ];
}

async function versionsFound({ services }: Context): Promise<Finding[]> {
  const { version } = await services.ask<{ version: string }>('router', '/v2');
  const { info } = await services.ask<{ info: { version: string } }>('registry', '/openapi.json');
  return [good('versions', `router ${version}, registry’s interface ${info.version}`)];
}

async function positionsFound({ services, io }: Context): Promise<Finding[]> {
  const kafka = kafkaOf(io);
  const starts = [...(await logRanges(kafka, 'training-events.v1')).values()].map(({ start }) => start);
  const findings: Finding[] = [];
  for (const { name, traffic } of await allModels(services)) {
    const answer = await services.send('online-learner', modelPath(name, '/state'));
    if (answer.status === 404 && traffic.stable === null) continue;
    if (answer.status !== 200) {
      const { detail = '' } = answer.body as { detail?: string };
      findings.push(
        bad(`position of ${name}`, detail, '"A shard stopped" in services/online-learner/README.md'),
      );
      continue;
    }
    const { shards } = answer.body as { shards: { position: number; savedPosition: number }[] };
    const behind = shards.filter(
      ({ savedPosition }) => savedPosition >= 0 && savedPosition < Math.min(...starts),
    );
    findings.push(
      behind.length === 0
        ? good(`position of ${name}`, `saved to ${shards.map((one) => String(one.savedPosition)).join(', ')}`)
        : bad(
            `position of ${name}`,
            'before the start of training-events.v1',
            'headrace describe, then PUT …/position',
          ),
    );
  }
  return findings;
}

async function doctor(context: Context): Promise<void> {
  const names = Object.keys(SERVICE_URLS) as ServiceName[];
  const groups = await Promise.all([
    orUnreachable('kafka', 'npm run stack -- up, or KAFKA_BROKERS', () => topicsFound(context)),
    orUnreachable('redis', 'npm run stack -- up, or REDIS_URL', () => redisFound(context)),
    ...names.map((name) =>
      orUnreachable(name, `start it: node services/${name}/main.ts`, () => serviceFound(context, name)),
    ),
    orUnreachable('versions', 'start the services', () => versionsFound(context)),
    orUnreachable('positions', 'start the services', () => positionsFound(context)),
  ]);
  const findings = groups.flat();
  context.print(findings, () =>
    findings
      .map(({ what, isGood, found, fix }) => {
        const icon = isGood ? context.paint('good', '✔') : context.paint('bad', '✖');
        const mend = fix === null ? '' : `\n    ${context.paint('busy', '→')} ${fix}`;
        return `${icon} ${what.padEnd(28)} ${found}${mend}\n`;
      })
      .join(''),
  );
  const count = findings.filter(({ isGood }) => !isGood).length;
  if (count > 0)
    throw new CliError(`${String(count)} of ${String(findings.length)} are not well`, EXIT.refused);
}

/** Adds `lint` and `doctor`. */
export function checkCommands(program: Command, io: Io): void {
  program
    .command('lint <file>')
    .description('every fault of a model spec, without making anything; - reads the standard input')
    .action((file: string, _options: object, command: Command) =>
      inContext(io, command, (context) => {
        lint(context, file);
        return Promise.resolve();
      }),
    );
  program
    .command('doctor')
    .description(
      'look at Kafka, topics, schemas, Redis, services, clocks and positions; each fault with what mends it',
    )
    .action((_options: object, command: Command) => inContext(io, command, doctor));
}
