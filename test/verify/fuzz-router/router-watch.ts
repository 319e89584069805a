import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';

const EVERY_MS = 250;
const STALL_MS = 100;

/** What a watched router did. */
export interface Watched {
  crashes: number;
  /** Looks at which the event loop had been held up for more than 100 ms since the look before. */
  stallsAbove100Ms: number;
  maxStallMs: number;
}

/** Watches a router until it is told to stop. */
export interface RouterWatch {
  readonly seen: Watched;
  /** Resolves when the router runs and answers again after it has ended. */
  untilUp(): Promise<void>;
  stop(): Promise<void>;
}

/** Returns the longest hold-up of the event loop since this was asked last, ms, as the router measures it. */
async function longestStallMs(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1] ?? NaN) * 1000;
}

/** Begins to watch a router: looks at its event loop, counts its ends and starts it again. */
export async function watchRouter(router: ServiceProcess): Promise<RouterWatch> {
  const seen: Watched = { crashes: 0, stallsAbove100Ms: 0, maxStallMs: 0 };
  const until = { isStopped: false };
  let restarting: Promise<void> | undefined;
  await longestStallMs(router.url); // what happened at the start is none of ours

  async function restart(): Promise<void> {
    seen.crashes += 1;
    await router.start();
    await router.untilReady();
    await longestStallMs(router.url);
  }

  async function look(): Promise<void> {
    if (!router.isRunning()) {
      restarting ??= restart().finally(() => (restarting = undefined));
      await restarting;
      return;
    }
    const stallMs = await longestStallMs(router.url).catch(() => NaN); // it may be ending
    if (Number.isNaN(stallMs)) return;
    seen.maxStallMs = Math.max(seen.maxStallMs, stallMs);
    if (stallMs > STALL_MS) seen.stallsAbove100Ms += 1;
  }

  const watching = (async () => {
    while (!until.isStopped) {
      await pause(EVERY_MS);
      await look();
    }
  })();
  watching.catch(() => undefined); // `stop` tells
  return {
    seen,
    async untilUp() {
      if (!router.isRunning()) await look();
    },
    async stop() {
      until.isStopped = true;
      await watching;
      await look();
    },
  };
}
