import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startStack } from '../../../deploy/local/stack.ts';
import type { RunningStack } from '../../../deploy/local/stack.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { ensureSetup, oneBrokerLayout } from '../../../deploy/topics/setup.ts';
import { replayState } from '../../support/replay.ts';
import type { LearnerState } from '../../support/small-model.ts';
import { PARTITIONS } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { startTraffic } from '../../support/traffic.ts';
import type { TrafficHistory } from '../../support/traffic.ts';

/** The model that procedures are carried out on. */
export const MODEL = 'operated';

/** What a procedure works on. */
export interface Operated {
  readonly system: StartedSystem;
  /** Where Redis is now; a procedure may move it. */
  redis: RunningStack;
  /** What all traffic so far has had acknowledged. */
  readonly acknowledged: { events: number; labels: number };
}

/** One procedure of the operator's guide, by the heading that it has there. */
export interface Procedure {
  readonly name: string;
  /** Carries it out and throws what does not hold. */
  run(operated: Operated): Promise<void>;
}

const WORKERS = ['ingest', 'online-learner', 'monitor'] as const;
const TRAFFIC_MS = 1500;

function redisDirectory({ system, redis }: Operated): string {
  return join(redis === system.stack ? system.dataDir : join(system.dataDir, 'moved'), 'redis');
}

/** Returns what the learner that owns the model says of it. */
async function ownedState({ system }: Operated): Promise<LearnerState> {
  const learners = system.fleet.all.filter((one) => one.name === 'online-learner' && one.isRunning());
  for (const { url } of learners) {
    const { status, body } = await system.http.send('GET', `${url}/v1/models/${MODEL}/state`);
    const state = (body as { shards?: LearnerState[] }).shards?.[0];
    if (status === 200 && state !== undefined) return state;
  }
  throw new Error('no learner owns the model');
}

/** Waits until everything acknowledged so far is learned exactly once, and holds the state against the log. */
async function assertLearned(operated: Operated): Promise<void> {
  const { acknowledged, system } = operated;
  const wanted = acknowledged.events + acknowledged.labels;
  const state = await waitUntil(
    async () => {
      const found = await ownedState(operated);
      const learned = found.versions[0]?.examplesLearned ?? 0;
      if (learned !== wanted) throw new Error(`${String(learned)} of ${String(wanted)} examples learned`);
      return found;
    },
    { what: 'everything acknowledged to be learned once', limitMs: 60_000, everyMs: 200 },
  );
  const again = await replayState(
    { ...system.stack, redisUrl: operated.redis.redisUrl },
    MODEL,
    state.position,
  );
  if (again.digest !== state.stateDigest)
    throw new Error('the state differs from the one learned again from the log');
}

/** Does something under traffic; returns when all that was acknowledged meanwhile is learned. Throws when a prediction failed. */
async function underTraffic(operated: Operated, work: () => Promise<void>): Promise<void> {
  const traffic = startTraffic(operated.system, MODEL, operated.acknowledged.events);
  let history: TrafficHistory;
  try {
    await pause(TRAFFIC_MS / 2);
    await work();
    await pause(TRAFFIC_MS / 2);
    history = await traffic.stop();
  } catch (error) {
    traffic.abandon();
    throw error;
  }
  operated.acknowledged.events += history.events;
  operated.acknowledged.labels += history.labels;
  if (history.failed.length > 0)
    throw new Error(`${String(history.failed.length)} predictions failed: ${history.failed[0] ?? ''}`);
  await assertLearned(operated);
}

async function stopWorkers({ system }: Operated): Promise<void> {
  for (const name of WORKERS)
    for (const process of system.fleet.all.filter((one) => one.name === name && one.isRunning()))
      await process.stop();
}

async function startWorkers({ system, redis }: Operated): Promise<void> {
  for (const name of WORKERS) await system.fleet.one(name).start({ REDIS_URL: redis.redisUrl });
  for (const name of WORKERS) await system.fleet.one(name).untilReady();
}

const scaleRouters: Procedure = {
  name: 'Scale routers',
  run: (operated) =>
    underTraffic(operated, async () => {
      const second = operated.system.fleet.one('router', 1);
      await second.stop();
      await pause(300);
      await second.start();
      await second.untilReady();
    }),
};

const scaleLearners: Procedure = {
  name: 'Scale learners',
  run: (operated) =>
    underTraffic(operated, async () => {
      const [first, second] = [0, 1].map((index) => operated.system.fleet.one('online-learner', index));
      await second?.start({ REDIS_URL: operated.redis.redisUrl });
      await second?.untilReady();
      await first?.stop(); // the other one takes everything over
      await pause(500);
      await first?.start({ REDIS_URL: operated.redis.redisUrl });
      await first?.untilReady();
      await second?.stop();
    }),
};

const upgrade: Procedure = {
  name: 'Upgrade without downtime',
  run: (operated) =>
    underTraffic(operated, async () => {
      const { system } = operated;
      const layout = oneBrokerLayout(PARTITIONS);
      const setup = { kafka: system.kafka, schemaRegistryUrl: system.stack.schemaRegistryUrl, layout };
      await ensureSetup(setup);
      const order = ['registry', 'monitor', 'online-learner', 'ingest', 'router'] as const;
      for (const name of order) {
        for (const process of system.fleet.all.filter((one) => one.name === name && one.isRunning())) {
          await process.stop();
          await process.start({ REDIS_URL: operated.redis.redisUrl });
          await process.untilReady();
        }
      }
    }),
};

const backUp: Procedure = {
  name: 'Back up and restore Redis',
  async run(operated) {
    const { system, redis } = operated;
    const backup = join(system.dataDir, 'backup');
    await stopWorkers(operated);
    await redis.stopComponent('redis');
    cpSync(redisDirectory(operated), backup, { recursive: true });
    await redis.startComponent('redis');
    await startWorkers(operated);
    await underTraffic(operated, () => pause(0)); // what the backup does not have
    await stopWorkers(operated);
    await redis.killComponent('redis');
    rmSync(redisDirectory(operated), { recursive: true });
    cpSync(backup, redisDirectory(operated), { recursive: true });
    await redis.startComponent('redis');
    await startWorkers(operated);
    await assertLearned(operated);
    await underTraffic(operated, () => pause(0));
  },
};

const moveRedis: Procedure = {
  name: 'Move Redis',
  async run(operated) {
    const { system } = operated;
    const { kafkaBrokers: KAFKA_BROKERS, schemaRegistryUrl: SCHEMA_REGISTRY_URL } = system.stack;
    const moved = await startStack({
      dataDir: join(system.dataDir, 'moved'),
      ephemeral: true,
      env: { KAFKA_BROKERS, SCHEMA_REGISTRY_URL },
    });
    await moved.stopComponent('redis');
    await stopWorkers(operated);
    await system.stack.stopComponent('redis');
    const from = redisDirectory(operated);
    operated.redis = moved;
    cpSync(join(from, 'appendonlydir'), join(redisDirectory(operated), 'appendonlydir'), { recursive: true });
    await moved.startComponent('redis');
    await startWorkers(operated);
    await assertLearned(operated);
    await underTraffic(operated, () => pause(0));
  },
};

const loseRedis: Procedure = {
  name: 'Lose Redis',
  async run(operated) {
    const { system, redis } = operated;
    const registry = system.url('registry');
    const { status } = await system.http.send('POST', `${registry}/v1/models/${MODEL}/milestones`);
    if (status >= 300) throw new Error(`milestone: ${String(status)}`);
    await underTraffic(operated, async () => {
      await redis.killComponent('redis');
      rmSync(join(redisDirectory(operated), 'appendonlydir'), { recursive: true });
      await redis.startComponent('redis');
    });
  },
};

const loseRegistry: Procedure = {
  name: 'Lose the registry',
  run: (operated) =>
    underTraffic(operated, async () => {
      const { system } = operated;
      const registry = system.fleet.one('registry');
      const history = async (): Promise<string> => {
        const { body } = await system.http.send('GET', `${registry.url}/v1/models/${MODEL}/history`);
        return JSON.stringify(body);
      };
      const before = await history();
      await registry.kill();
      await pause(1000);
      await registry.start();
      await registry.untilReady();
      if ((await history()) !== before) throw new Error('the history is not what it was');
    }),
};

/** The procedures, in the order in which they are carried out: each leaves the system whole for the next. */
export const PROCEDURES: readonly Procedure[] = [
  scaleRouters,
  scaleLearners,
  upgrade,
  backUp,
  moveRedis,
  loseRedis,
  loseRegistry,
];
