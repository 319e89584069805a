import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { createRedis } from '../../../shared/redis/connect.ts';
import { silentLog } from '../../../shared/observability/log.ts';
import { cpuSecondsOf } from '../../support/process-cpu.ts';
import type { StartedSystem } from '../../support/system.ts';

const LOOK_EVERY_MS = 150;
const LIMIT_MS = 600_000;

/** What one run of the learner over a log used. */
export interface LearnerRun {
  /** From the first batch in hand to the last position applied, s. */
  readonly wallSeconds: number;
  /** CPU time of the process, its start included, s. */
  readonly cpuSeconds: number;
  /** Bytes that checkpoints wrote. */
  readonly checkpointBytes: number;
  /** Time for which checkpoints kept the thread busy, s. */
  readonly checkpointBusySeconds: number;
  readonly checkpoints: number;
  readonly residentMb: number;
}

/** Returns a figure of the learner's metrics: the sum of all its series. */
function metric(text: string, name: string): number {
  return text
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
}

async function metricsOf(url: string): Promise<string> {
  try {
    return await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5000) })).text();
  } catch {
    return '';
  }
}

/** Returns what is where the models' positions stand, by model. */
function positions(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const [, model = '', value] of text.matchAll(
    /^headrace_learner_position_offset\{model="([^"]+)"\} (\S+)$/gm,
  ))
    found.set(model, Number(value));
  return found;
}

/**
 * Empties Redis, starts the learner and lets it learn everything up to the given positions again, from its milestones of births
 * or the log; kills it then and returns what it used.
 */
export async function runLearner(
  system: StartedSystem,
  targets: ReadonlyMap<string, number>,
  env: Readonly<Record<string, string>> = {},
): Promise<LearnerRun> {
  const learner = system.fleet.one('online-learner');
  await learner.kill();
  const redis = createRedis({ url: system.stack.redisUrl, log: silentLog });
  await redis.connect();
  await redis.flushall();
  redis.disconnect();
  const logBefore = readFileSync(learner.logFile, 'utf8').length;
  await learner.start(env);
  const limitMs = performance.now() + LIMIT_MS;
  for (;;) {
    const text = await metricsOf(learner.url);
    const reached = positions(text);
    if ([...targets].every(([model, target]) => (reached.get(model) ?? -1) >= target)) {
      const endMs = performance.now();
      const pid = learner.pid() ?? 0;
      const cpuSeconds = cpuSecondsOf(pid);
      const log = readFileSync(learner.logFile, 'utf8').slice(logBefore);
      const line = log.split('\n').find((one) => one.includes('"first record applied"')) ?? '{}';
      const {
        beganMs = 0,
        sinceStartMs = 0,
        time = '',
      } = JSON.parse(line) as {
        beganMs?: number;
        sinceStartMs?: number;
        time?: string;
      };
      const beganEpochMs = Date.parse(time) - (sinceStartMs - beganMs);
      const wallSeconds = (performance.timeOrigin + endMs - beganEpochMs) / 1000;
      const [checkpointBytes, checkpointBusySeconds, checkpoints, resident] = [
        metric(text, 'headrace_learner_checkpoint_bytes_total'),
        metric(text, 'headrace_learner_checkpoint_busy_seconds_total'),
        metric(text, 'headrace_learner_checkpoint_duration_seconds_count'),
        metric(text, 'process_resident_memory_bytes'),
      ] as const;
      await learner.kill();
      return {
        wallSeconds,
        cpuSeconds,
        checkpointBytes,
        checkpointBusySeconds,
        checkpoints,
        residentMb: Math.round(resident / 1024 / 1024),
      };
    }
    if (!learner.isRunning()) throw new Error(`the learner has ended; see ${learner.logFile}`);
    if (performance.now() > limitMs)
      throw new Error(`positions ${JSON.stringify([...reached])} after ${String(LIMIT_MS)} ms`);
    await pause(LOOK_EVERY_MS);
  }
}

/** Returns the CPU time of runs that open the models with Redis empty and find nothing to learn, their middle, s. */
export async function emptyRunCpuSeconds(
  system: StartedSystem,
  models: readonly string[],
  times: number,
): Promise<number> {
  const found: number[] = [];
  const targets = new Map(models.map((model) => [model, 0]));
  for (let time = 0; time < times; time += 1) found.push((await runLearner(system, targets)).cpuSeconds);
  return found.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}

/** Returns the CPU time of a learner that starts and finds nothing to learn, s: what a run's CPU time contains besides. */
export async function idleStartCpuSeconds(system: StartedSystem, times: number): Promise<number> {
  const learner = system.fleet.one('online-learner');
  const found: number[] = [];
  for (let time = 0; time < times; time += 1) {
    await learner.kill();
    await learner.start();
    await learner.untilReady();
    await pause(300);
    found.push(cpuSecondsOf(learner.pid() ?? 0));
  }
  await learner.kill();
  return found.sort((a, b) => a - b)[Math.floor(times / 2)] ?? 0;
}
