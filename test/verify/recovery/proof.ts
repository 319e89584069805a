import { setTimeout as pause } from 'node:timers/promises';
import { flightsModel, MODEL } from '../../../deploy/demo/model.ts';
import { waitUntil } from '../../../deploy/local/wait-until.ts';
import { partitionOf } from '../../../shared/domain/murmur2.ts';
import { shardKey } from '../../../shared/domain/shard.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { CRASH_POINTS } from '../../../shared/runtime/crash-point.ts';
import type { CrashPoint } from '../../../shared/runtime/crash-point.ts';
import { createRedis } from '../../../shared/redis/connect.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { quantile } from '../../support/figures.ts';
import { defineProgram } from '../../support/programs.ts';
import type { Options, ProgramResult } from '../../support/programs.ts';
import { replayState } from '../../support/replay.ts';
import { learnerState } from '../../support/small-model.ts';
import type { LearnerState } from '../../support/small-model.ts';
import { PARTITIONS, startSystem } from '../../support/system.ts';
import type { StartedSystem } from '../../support/system.ts';
import { makeFixedLog } from './fixed-log.ts';
import type { FixedLog } from './fixed-log.ts';
import { firstApplications, liveOnce, recoveryTimes } from './lives.ts';
import type { Death } from './lives.ts';
import { createLogWriter } from './log-writer.ts';
import { countScored } from './scored.ts';

/** How long a crash point may take to be reached, ms; some are passed seldom. */
const CRASH_POINT_LIMIT_MS = 12_000;
const RANDOM_LIFE_MAX_MS = 2500;
/** Points that are passed once in a life, or only when an operator asks for something. */
const ONCE_A_LIFE: readonly CrashPoint[] = [
  'epoch-raised',
  'state-loaded',
  'partitions-taken-over',
  'birth-saved',
  'milestone-begun',
  'milestone-written',
];
/** A part is written in so many pieces, so that batches and checkpoints go on for a while. */
const PIECES = 10;
const BETWEEN_PIECES_MS = 120;
/** A life that is to end at a crash point gets most of its part when it has taken over. */
const TAKE_OVER_MS = 800;
const QUIET_LIMIT_MS = 300_000;

/** The crash points in turn, each at its first, second, … passing, and random moments between them. */
function deathOf(index: number, rng: Rng): Death {
  if (index % 2 === 1) return { kind: 'random', afterMs: rng.int(RANDOM_LIFE_MAX_MS) };
  const point = CRASH_POINTS[(index / 2) % CRASH_POINTS.length] ?? 'batch-applied';
  return { kind: 'crash-point', point, passing: ONCE_A_LIFE.includes(point) ? 1 : 1 + rng.int(2) };
}

async function untilSettled(system: StartedSystem, end: number): Promise<LearnerState> {
  return waitUntil(
    async () => {
      const state = await learnerState(system, MODEL);
      if (state.position < end || state.savedPosition < end)
        throw new Error(
          `position ${String(state.position)}, saved ${String(state.savedPosition)} of ${String(end)}`,
        );
      return state;
    },
    { what: 'the learner to have learned and stored everything', limitMs: QUIET_LIMIT_MS, everyMs: 250 },
  );
}

async function ask(system: StartedSystem, method: string, path: string, body: object = {}): Promise<void> {
  const { status, body: answer } = await system.http.send(
    method,
    `${system.url('registry')}/v1/models/${MODEL}${path}`,
    body,
  );
  if (status >= 300) throw new Error(`${method} ${path}: ${String(status)} ${JSON.stringify(answer)}`);
}

async function logEnd(system: StartedSystem, partition: number): Promise<number> {
  const admin = system.kafka.admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets('training-events.v1');
  await admin.disconnect();
  return Number(offsets.find((one) => one.partition === partition)?.high ?? 0);
}

/** Asks for what leads to a crash point that is not passed by itself. */
async function provoke(system: StartedSystem, death: Death): Promise<void> {
  if (death.kind !== 'crash-point') return;
  if (death.point === 'birth-saved') await ask(system, 'POST', '/versions/1/resume');
  if (death.point.startsWith('milestone')) await ask(system, 'POST', '/milestones');
}

function piecesOf<T>(all: readonly T[], count: number): T[][] {
  const size = Math.ceil(all.length / count);
  return Array.from({ length: count }, (_, piece) => all.slice(piece * size, (piece + 1) * size));
}

/** Lets the learner work through the log part by part and kills it, Redis or the broker in each. */
async function disturb(
  system: StartedSystem,
  log: FixedLog,
  rng: Rng,
  say: (line: string) => void,
): Promise<{ deaths: number[]; reached: Map<string, number>; others: { redis: number; kafka: number } }> {
  const learner = system.fleet.one('online-learner');
  const deaths: number[] = [];
  const reached = new Map<string, number>();
  const others = { redis: 0, kafka: 0 };
  let writer = await createLogWriter(system.kafka);
  const half = Math.floor(log.parts.length / 2);
  for (const [index, part] of log.parts.entries()) {
    const death = deathOf(index, rng);
    const life = await liveOnce(learner, death, CRASH_POINT_LIMIT_MS, async () => {
      if (index === half) await ask(system, 'POST', '/versions', { mode: 'copy', learner: { alpha: 0.2 } });
      await provoke(system, death);
      for (const [at, piece] of piecesOf(part, PIECES).entries()) {
        await writer.write(piece);
        if (at === 0 && death.kind === 'crash-point') await pause(TAKE_OVER_MS);
        await pause(BETWEEN_PIECES_MS);
      }
      if (index % 20 === 7) {
        await system.stack.killComponent('redis');
        others.redis += 1;
        await pause(rng.int(300));
        await system.stack.startComponent('redis');
      }
    });
    deaths.push(life.diedAtMs);
    if (death.kind === 'crash-point' && life.isReached)
      reached.set(death.point, (reached.get(death.point) ?? 0) + 1);
    if (index % 40 === 23) {
      await writer.close();
      await learner.start();
      await pause(rng.int(1000));
      await system.stack.killComponent('kafka');
      others.kafka += 1;
      await system.stack.startComponent('kafka');
      await learner.kill();
      deaths.push(Date.now());
      writer = await createLogWriter(system.kafka);
    }
    if (index % 10 === 9) {
      const points = `${String(reached.size)} of ${String(CRASH_POINTS.length)} crash points`;
      say(
        `${String(deaths.length)} kills of the learner, ${points}, Redis ${String(others.redis)}, broker ${String(others.kafka)}`,
      );
    }
  }
  await writer.close();
  return { deaths, reached, others };
}

async function run(
  { kills, events, seed }: Options<'kills' | 'events' | 'seed'>,
  say: (line: string) => void,
): Promise<ProgramResult> {
  const rng = createRng(seed);
  const system = await startSystem({
    instances: { router: 0, ingest: 0, monitor: 0 },
    env: {
      CHECKPOINT_INTERVAL_MS: '100',
      MILESTONE_EVENTS: String(Math.max(1000, Math.round(events / 8))),
    },
  });
  try {
    const faults: string[] = [];
    const learner = system.fleet.one('online-learner');
    const operator = system.operator(MODEL);
    await operator.createModel(flightsModel);
    await operator.addVersion({ mode: 'cold' });
    await operator.setTraffic({ stable: 1 });
    const partition = partitionOf(shardKey(MODEL, 0), PARTITIONS);
    say('making the log');
    const log = await makeFixedLog({
      schemaRegistryUrl: system.stack.schemaRegistryUrl,
      model: MODEL,
      partitions: PARTITIONS,
      events,
      parts: kills,
      rng,
    });
    await learner.kill();
    say(
      `${String(log.events)} events; ${Object.entries(log.shapes)
        .map(([shape, n]) => `${shape} ${String(n)}`)
        .join(', ')}`,
    );
    const { deaths, reached, others } = await disturb(system, log, rng, say);
    await learner.start();
    const end = await logEnd(system, partition);
    const disturbed = await untilSettled(system, end);
    const recoveries = recoveryTimes(deaths, firstApplications(learner.logFile)).sort((a, b) => a - b);
    say('learning the log again without a disturbance, in another process');
    const replayed = await replayState(system.stack, MODEL, disturbed.position);
    const identical = replayed.digest === disturbed.stateDigest;
    if (!identical)
      faults.push(`state ${disturbed.stateDigest} is not ${replayed.digest}, that of a run nobody disturbed`);
    const births = await birthsOf(system);
    for (const { version, bornPosition } of disturbed.versions) {
      if (births.get(version) !== bornPosition)
        faults.push(
          `version ${String(version)} was born at ${String(bornPosition)}, recorded ${String(births.get(version))}`,
        );
    }
    const learned = disturbed.versions[0]?.examplesLearned ?? 0;
    if (learned !== log.events)
      faults.push(`${String(learned)} examples learned of ${String(log.events)} distinct ones`);
    const eventsReplayed = (await countScored(system, MODEL)) - log.events;

    say('emptying Redis: the newest milestone and the log must give the same state');
    await learner.kill();
    const redis = createRedis({ url: system.stack.redisUrl, log: silentLog });
    await redis.connect();
    await redis.flushall();
    redis.disconnect();
    await learner.start();
    const again = await untilSettled(system, end);
    const fromMilestone = (await metrics(learner.url)).includes('from="milestone"');
    const milestoneIdentical = again.stateDigest === disturbed.stateDigest;
    if (!fromMilestone) faults.push('the shard did not begin with a milestone');
    if (!milestoneIdentical) faults.push(`state ${again.stateDigest} after a milestone and replay`);

    const missed = CRASH_POINTS.filter((point) => !reached.has(point));
    if (kills >= 2 * CRASH_POINTS.length && missed.length > 0)
      faults.push(`crash points never reached: ${missed.join(', ')}`);
    const json = {
      kills: deaths.length,
      crashPoints: Object.fromEntries(reached),
      crashPointsMissed: missed,
      otherKills: others,
      events: log.events,
      shapes: log.shapes,
      identical,
      milestoneIdentical,
      stateDigest: disturbed.stateDigest,
      replayedStateDigest: replayed.digest,
      maxRecoveryMs: recoveries.at(-1) ?? 0,
      p99RecoveryMs: quantile(recoveries, 0.99),
      p50RecoveryMs: quantile(recoveries, 0.5),
      eventsReplayed,
      seed,
    };
    return {
      json,
      faults,
      summary: [
        `${String(deaths.length)} kills of the learner (${String(reached.size)} of ${String(CRASH_POINTS.length)} crash points), ${String(others.redis)} of Redis, ${String(others.kafka)} of the broker`,
        `${String(log.events)} events, state ${identical ? 'identical' : 'NOT IDENTICAL'} to a run nobody disturbed; ${String(eventsReplayed)} events scored again`,
        `from a milestone with Redis empty: ${milestoneIdentical ? 'identical' : 'NOT IDENTICAL'}`,
        `kill to first applied record, process start included: p50 ${String(json.p50RecoveryMs)} ms, p99 ${String(json.p99RecoveryMs)} ms, max ${String(json.maxRecoveryMs)} ms`,
      ],
    };
  } finally {
    await system.stop();
  }
}

async function birthsOf(system: StartedSystem): Promise<Map<number, number>> {
  const { body } = await system.http.send('GET', `${system.url('registry')}/v1/models/${MODEL}/versions`);
  const { versions } = body as { versions: { version: number; bornPosition: number }[] };
  return new Map(versions.map(({ version, bornPosition }) => [version, bornPosition]));
}

async function metrics(url: string): Promise<string> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('headrace_learner_opened_shards_total'))
    .join('\n');
}

export const program = defineProgram({
  about:
    'kill -9 of learner, Redis and broker at random moments and every crash point: the state is bit-identical',
  options: {
    kills: { default: 200, min: 4, max: 5000, help: 'kills of the learner' },
    events: { default: 1_000_000, min: 2000, max: 3_000_000, help: 'distinct events in the log' },
    seed: { default: 1, min: 0, max: 1_000_000_000, help: 'seed of the log and of the kills' },
  },
  run,
});
