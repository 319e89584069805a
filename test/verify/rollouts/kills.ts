import { setTimeout as pause } from 'node:timers/promises';
import { messageOf } from '../../../shared/errors.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';
import type { System } from '../../support/system.ts';

/** Who is killed with SIGKILL and started again. One of two routers at a time. */
export const VICTIMS = ['registry', 'monitor', 'online-learner', 'redis', 'router', 'router-2'] as const;

/** One of them. */
export type Victim = (typeof VICTIMS)[number];

const AWAY_MAX_MS = 1500;
const READY_LIMIT_MS = 60_000;
const LOOK_MS = 100;

/** Kills on their way. */
export interface Killing {
  readonly kills: Readonly<Record<Victim, number>>;
  /** Services that ended without having been killed; they were started again, as a supervisor does. */
  readonly ended: readonly string[];
  /** Kills nobody more; resolves when everybody runs. */
  stop(): Promise<void>;
}

/** Returns the victims in an order of the seed, everybody once a round. */
function* victimsOf(rng: Rng): Generator<Victim, never> {
  for (;;) {
    const left: Victim[] = [...VICTIMS];
    while (left.length > 0) yield* left.splice(rng.int(left.length), 1);
  }
}

/** Begins to kill, one at a time: the next is killed when the one before is ready again and a seeded time has passed. */
export function startKilling(
  system: System,
  { seed, everyMs, say }: { seed: number; everyMs: number; say: (line: string) => void },
): Killing {
  const rng = createRng(seed);
  const kills = Object.fromEntries(VICTIMS.map((victim) => [victim, 0])) as Record<Victim, number>;
  const ended: string[] = [];
  let away: ServiceProcess | undefined;
  let isOver = false;

  const processOf = (victim: Exclude<Victim, 'redis'>): ServiceProcess =>
    victim === 'router-2' ? system.fleet.one('router', 1) : system.fleet.one(victim);

  async function kill(victim: Victim): Promise<void> {
    const awayMs = rng.int(AWAY_MAX_MS);
    if (victim === 'redis') {
      await system.stack.killComponent('redis');
      await pause(awayMs);
      await system.stack.startComponent('redis');
      return;
    }
    const process = (away = processOf(victim));
    await process.kill();
    await pause(awayMs);
    await process.start();
    away = undefined;
    await process.untilReady(READY_LIMIT_MS).catch((error: unknown) => {
      say(`${victim} is slow to return: ${messageOf(error)}`);
    });
  }

  async function run(): Promise<void> {
    for (const victim of victimsOf(rng)) {
      const pauseMs = everyMs * (0.5 + rng.next());
      for (let waitedMs = 0; waitedMs < pauseMs && !isOver; waitedMs += LOOK_MS) await pause(LOOK_MS);
      if (isOver) return;
      kills[victim] += 1;
      await kill(victim);
    }
  }

  async function supervise(): Promise<void> {
    while (!isOver) {
      for (const process of system.fleet.all) {
        if (process.isRunning() || process === away) continue;
        ended.push(process.name);
        say(`${process.name} has ended by itself; see ${process.logFile}`);
        await process.start();
      }
      await pause(LOOK_MS);
    }
  }

  const running = Promise.all([run(), supervise()]);
  running.catch(() => undefined); // `stop` tells
  return {
    kills,
    ended,
    async stop() {
      isOver = true;
      await running;
      for (const process of system.fleet.all) await process.untilReady(READY_LIMIT_MS);
    },
  };
}
