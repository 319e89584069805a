import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';
import type { CrashPoint } from '../../../shared/runtime/crash-point.ts';

const LOOK_EVERY_MS = 5;

/** How one life of the learner ends. */
export type Death =
  | { readonly kind: 'random'; readonly afterMs: number }
  | { readonly kind: 'crash-point'; readonly point: CrashPoint; readonly passing: number };

/** What a life was. */
export interface Life {
  /** Whether a crash point that was set was reached; the process was killed from outside otherwise. */
  readonly isReached: boolean;
  /** When it died, ms since the Unix epoch. */
  readonly diedAtMs: number;
}

/** Starts the learner, lets `work` happen meanwhile, and resolves when it is dead. */
export async function liveOnce(
  learner: ServiceProcess,
  death: Death,
  limitMs: number,
  work: () => Promise<void>,
): Promise<Life> {
  const env = death.kind === 'crash-point' ? { CRASH_AT: `${death.point}:${String(death.passing)}` } : {};
  await learner.start(env);
  const startMs = performance.now();
  const working = work();
  const waitMs = death.kind === 'random' ? death.afterMs : limitMs;
  while (learner.isRunning() && performance.now() - startMs < waitMs) await pause(LOOK_EVERY_MS);
  const isReached = !learner.isRunning();
  const diedAtMs = Date.now();
  await learner.kill(); // harmless when it is dead already
  await working;
  return { isReached, diedAtMs };
}

/** What a learner's log says of when it first applied a record in each of its lives, ms since the Unix epoch. */
export function firstApplications(logFile: string): readonly { atMs: number; sinceStartMs: number }[] {
  return readFileSync(logFile, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"first record applied"'))
    .map((line) => {
      const { time, sinceStartMs } = JSON.parse(line) as { time: number | string; sinceStartMs: number };
      return { atMs: typeof time === 'number' ? time : Date.parse(time), sinceStartMs };
    });
}

/** Returns how long it took from each death to the first record applied after it, before the next death, ms. */
export function recoveryTimes(
  deaths: readonly number[],
  applications: readonly { readonly atMs: number }[],
): number[] {
  return deaths.flatMap((diedAtMs, index) => {
    const next = deaths[index + 1] ?? Infinity;
    const first = applications.find(({ atMs }) => atMs > diedAtMs && atMs <= next);
    return first === undefined ? [] : [first.atMs - diedAtMs];
  });
}
