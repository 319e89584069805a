import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { askKafka } from '../../deploy/local/kafka-probe.ts';
import { identifyProcess } from '../../deploy/local/process-identity.ts';
import { startStack } from '../../deploy/local/stack.ts';
import type { RunningStack, StackComponent } from '../../deploy/local/stack.ts';
import { readStackState } from '../../deploy/local/stack-state.ts';
import { waitUntil } from '../../deploy/local/wait-until.ts';

const LOCAL = resolve(import.meta.dirname, '../../deploy/local');

/** Sends one inline command to Redis and returns the answer as it comes: '+OK', '$3', 'abc' … */
async function redis(url: string, command: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(`${command}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString('utf8').trim();
}

async function registerSchema(url: string, subject: string): Promise<number> {
  const schema = JSON.stringify({ type: 'record', name: 'Probe', fields: [{ name: 'at', type: 'long' }] });
  const response = await fetch(`${url}/subjects/${subject}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema }),
  });
  const body = (await response.json()) as { id: number };
  assert.equal(response.status, 200, JSON.stringify(body));
  return body.id;
}

async function schemaId(url: string, subject: string): Promise<number> {
  const response = await fetch(`${url}/subjects/${subject}/versions/latest`);
  return ((await response.json()) as { id: number }).id;
}

async function untilGone(pids: readonly number[]): Promise<void> {
  const attempt = (): void => {
    const left = pids.filter((pid) => identifyProcess(pid) !== undefined);
    if (left.length > 0) throw new Error(`still there: ${left.join(', ')}`);
  };
  await waitUntil(attempt, { what: 'the processes to end', limitMs: 15_000 });
}

function pidsIn(dataDir: string): number[] {
  return Object.values(readStackState(dataDir)).map((state) => state.process?.pid ?? Number.NaN);
}

async function kafkaAnswers(brokers: string): Promise<boolean> {
  const [host = '', port] = brokers.split(':');
  return (await askKafka(host, Number(port))).brokerCount === 1;
}

describe('an ephemeral stack', () => {
  const runsDir = resolve(LOCAL, '../../.headrace/runs');
  let stack: RunningStack;
  let dataDir: string;

  before(async () => {
    const earlier = existsSync(runsDir) ? readdirSync(runsDir) : [];
    stack = await startStack({ ephemeral: true });
    const made = readdirSync(runsDir).filter((name) => !earlier.includes(name));
    const mine = made.find((name) =>
      readFileSync(join(runsDir, name, 'owner'), 'utf8').startsWith(`${String(process.pid)} `),
    );
    dataDir = join(runsDir, mine ?? 'none');
  });
  after(() => stack.stop());

  test('answers at all three addresses', async () => {
    assert.ok(await kafkaAnswers(stack.kafkaBrokers));
    assert.equal(await redis(stack.redisUrl, 'PING'), '+PONG');
    assert.ok(stack.schemaRegistryUrl.endsWith('/apis/ccompat/v7'));
    assert.equal((await fetch(`${stack.schemaRegistryUrl}/subjects`)).status, 200);
  });

  test('refuses what would lose state: eviction, and writes that are acknowledged before they are on the disk', async () => {
    assert.match(await redis(stack.redisUrl, 'CONFIG GET appendfsync'), /always/);
    assert.match(await redis(stack.redisUrl, 'CONFIG GET appendonly'), /yes/);
    assert.match(await redis(stack.redisUrl, 'CONFIG GET maxmemory-policy'), /noeviction/);
  });

  test('keeps its data and addresses when each component is killed and started again', async () => {
    assert.equal(await redis(stack.redisUrl, 'SET survivor yes'), '+OK');
    const id = await registerSchema(stack.schemaRegistryUrl, 'survivor-value');
    for (const name of ['redis', 'kafka'] satisfies StackComponent[]) {
      await stack.killComponent(name);
      await stack.startComponent(name);
    }
    assert.match(await redis(stack.redisUrl, 'GET survivor'), /yes$/);
    assert.ok(await kafkaAnswers(stack.kafkaBrokers));
    // all gone at once; the registry has only what the restarted broker still holds
    await stack.killComponent('schema-registry');
    await stack.stopComponent('kafka');
    await stack.stopComponent('redis');
    for (const name of ['redis', 'kafka', 'schema-registry'] satisfies StackComponent[])
      await stack.startComponent(name);
    assert.match(await redis(stack.redisUrl, 'GET survivor'), /yes$/);
    // It answers before it has read its journal when the broker is slow; whoever asks then asks again, as services do.
    await waitUntil(
      async () => {
        const found = await schemaId(stack.schemaRegistryUrl, 'survivor-value');
        if (found !== id) throw new Error(`it is ${String(found)}`);
      },
      { what: `the schema to have id ${String(id)} again`, limitMs: 30_000 },
    );
  });

  test('a stopped component is stopped, and starting one that runs does nothing', async () => {
    const before = readStackState(dataDir).kafka?.process?.pid;
    await stack.stopComponent('redis');
    await stack.stopComponent('redis');
    await assert.rejects(redis(stack.redisUrl, 'PING'), /ECONNREFUSED/);
    await stack.startComponent('redis');
    await stack.startComponent('kafka');
    assert.equal(await redis(stack.redisUrl, 'PING'), '+PONG');
    assert.equal(readStackState(dataDir).kafka?.process?.pid, before);
  });

  test('another stack uses the components that its environment names, and refuses to stop them', async () => {
    const env = {
      KAFKA_BROKERS: stack.kafkaBrokers,
      REDIS_URL: stack.redisUrl,
      SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    };
    const guest = await startStack({ ephemeral: true, env });
    assert.equal(guest.kafkaBrokers, stack.kafkaBrokers);
    await assert.rejects(guest.stopComponent('kafka'), {
      code: 'stack-unavailable',
      message: /KAFKA_BROKERS/,
    });
    await guest.stop();
    assert.equal(await redis(stack.redisUrl, 'PING'), '+PONG');
    await assert.rejects(startStack({ ephemeral: true, env: { ...env, REDIS_URL: 'redis://127.0.0.1:1' } }), {
      code: 'stack-unavailable',
      message: /REDIS_URL=redis:\/\/127\.0\.0\.1:1 does not answer/,
    });
  });

  test('leaves neither process nor data when it is stopped', async () => {
    const pids = pidsIn(dataDir);
    assert.equal(pids.filter((pid) => identifyProcess(pid) !== undefined).length, 3);
    await stack.stop();
    await untilGone(pids);
    assert.equal(existsSync(dataDir), false);
  });
});

test('nothing outlives a launcher that is killed', async () => {
  const stackUrl = pathToFileURL(join(LOCAL, 'stack.ts')).href;
  const script = `
    const { startStack } = await import(${JSON.stringify(stackUrl)});
    await startStack({ ephemeral: true });
    console.log('up');
    setInterval(() => {}, 1000);`;
  const launcher = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(launcher, 'exit').then(() => assert.fail('the launcher ended by itself'));
  const [line] = (await Promise.race([once(createInterface(launcher.stdout), 'line'), ended])) as [string];
  assert.equal(line, 'up');
  ended.catch(() => undefined); // from here on it is to end
  const runsDir = resolve(LOCAL, '../../.headrace/runs');
  const owns = (name: string): boolean =>
    readFileSync(join(runsDir, name, 'owner'), 'utf8').startsWith(`${String(launcher.pid)} `);
  const dataDir = join(runsDir, readdirSync(runsDir).find(owns) ?? 'none');
  const pids = pidsIn(dataDir);
  assert.equal(pids.filter((pid) => identifyProcess(pid) !== undefined).length, 3);
  launcher.kill('SIGKILL');
  await untilGone(pids);
  await waitUntil(() => assert.equal(existsSync(dataDir), false), {
    what: 'the data directory to be removed',
    limitMs: 5000,
  });
});

test('the command line starts a stack that goes on by itself, repairs it, and stops it', async () => {
  const home = mkdtempSync(join(tmpdir(), 'headrace-stack-'));
  const dataDir = join(home, 'data');
  const { KAFKA_BROKERS: _k, REDIS_URL: _r, SCHEMA_REGISTRY_URL: _s, ...env } = process.env;
  const stack = (...args: string[]): { status: number | null; output: string } => {
    const run = spawnSync(process.execPath, [join(LOCAL, 'stack-cli.ts'), ...args, '--data-dir', dataDir], {
      encoding: 'utf8',
      env,
    });
    return { status: run.status, output: run.stdout + run.stderr };
  };
  try {
    assert.equal(stack('status').status, 1);
    const up = stack('up');
    assert.equal(up.status, 0, up.output);
    assert.match(up.output, /^kafka \S+ +up in \d+\.\d s on 127\.0\.0\.1:\d+$/m);
    assert.match(
      up.output,
      /^export KAFKA_BROKERS=127\.0\.0\.1:\d+\nexport REDIS_URL=redis:\S+\nexport SCHEMA_REGISTRY_URL=http:\S+$/m,
    );
    assert.equal(stack('status').status, 0);
    const pids = pidsIn(dataDir);
    const { redis: redisState } = readStackState(dataDir);
    process.kill(redisState?.process?.pid ?? Number.NaN, 'SIGKILL');
    await untilGone([redisState?.process?.pid ?? Number.NaN]);
    assert.match(stack('status').output, /^redis +not up/m);
    const again = stack('up');
    assert.equal(again.status, 0, again.output);
    assert.match(again.output, /^redis +up in/m);
    assert.match(again.output, /^kafka \S+ +already running/m);
    assert.equal(readStackState(dataDir).redis?.address, redisState?.address);
    const down = stack('down');
    assert.equal(down.status, 0, down.output);
    await untilGone([...pids, ...pidsIn(dataDir).filter((pid) => !Number.isNaN(pid))]);
    assert.equal(stack('down').status, 0);
  } finally {
    stack('down', '--purge');
    assert.equal(existsSync(dataDir), false);
    rmSync(home, { recursive: true });
  }
});
