import { setTimeout as pause } from 'node:timers/promises';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';
import { messageOf } from '../../../shared/errors.ts';
import type { FaultProxy } from '../../support/fault-proxy.ts';
import type { FaultPlan, Kill, LinkFault, Victim } from './fault-plan.ts';
import type { History } from './history.ts';
import type { World } from './world.ts';

/** What was done to the system. */
export interface Injected {
  /** Faults that met something while clients were at work, by kind. */
  readonly kinds: Record<string, number>;
  /** The same faults, by link or victim. */
  readonly places: Record<string, number>;
  /** Faults that met nothing, because nobody used the link or was at work just then: not counted, and made again. */
  missed: number;
  /** Processes that ended without having been killed, with the reason that their log gives; they were started again. */
  readonly ended: string[];
  /** Longest time from a restart to readiness, ms, by service. */
  readonly slowestMs: Record<string, number>;
}

/** What injecting needs. */
export interface InjectInput {
  readonly world: World;
  readonly plan: FaultPlan;
  readonly history: History;
  readonly say: (line: string) => void;
}

/** Faults on their way. */
export interface Injection {
  readonly injected: Injected;
  readonly count: () => number;
  /** Resolves when all are done, or the limit has passed; nothing is broken then, and every process runs. */
  done(limitMs: number): Promise<void>;
}

const LANES = 2;
/** How long a link may be silent before a fault of it counts as met by nobody. */
const MEET_LIMIT_MS = 2000;
const LOOK_MS = 10;
const BETWEEN_KILLS_MS = 200;
const READY_LIMIT_MS = 60_000;
/** How far link faults may be ahead of kills, or kills of them, as a share of all. */
const AHEAD_MAX = 0.1;

/** Makes a link behave and returns what undoes it. */
function worsen(proxy: FaultProxy, { kind, latencyMs, sliceBytes }: LinkFault): () => number {
  const none = (undo: () => void) => (): number => {
    undo();
    return 0;
  };
  switch (kind) {
    case 'reset':
      return () => proxy.resetAll();
    case 'black-hole':
      proxy.setBlackHole('both');
      return none(() => {
        proxy.setBlackHole('none');
      });
    case 'lost-answers':
      proxy.setBlackHole('answers');
      return () => {
        const cut = proxy.resetAll();
        proxy.setBlackHole('none');
        return cut;
      };
    case 'latency':
      proxy.setLatencyMs(latencyMs);
      return none(() => {
        proxy.setLatencyMs(0);
      });
    case 'slicing':
      proxy.setSlicing({ bytes: sliceBytes, everyMs: 2 });
      return none(() => {
        proxy.setSlicing(undefined);
      });
  }
}

/** Starts injecting a plan: link faults on two lanes that overlap, kills on a third, all of them spread over the run. */
export function startInjection({ world, plan, history, say }: InjectInput): Injection {
  const { system, links } = world;
  const injected: Injected = { kinds: {}, places: {}, missed: 0, ended: [], slowestMs: {} };
  const linkFaults = [...plan.linkFaults];
  const kills = [...plan.kills];
  const isBeingKilled = new Set<Victim>();
  const busy = new Set<string>();
  let isOver = false;

  const shareDone = (left: number, all: number): number => (all === 0 ? 1 : 1 - left / all);
  const linkShare = (): number => shareDone(linkFaults.length, plan.linkFaults.length);
  const killShare = (): number => shareDone(kills.length, plan.kills.length);

  function countIn(kind: string, place: string): void {
    injected.kinds[kind] = (injected.kinds[kind] ?? 0) + 1;
    injected.places[place] = (injected.places[place] ?? 0) + 1;
  }

  async function breakLink(fault: LinkFault): Promise<boolean> {
    const proxy = links[fault.link];
    const key = `${fault.link}/${fault.kind === 'lost-answers' ? 'black-hole' : fault.kind}`;
    while (busy.has(key)) await pause(20);
    busy.add(key);
    const before = { held: proxy.held(), requests: history.requests };
    const mend = worsen(proxy, fault);
    if (fault.kind !== 'reset') {
      // it begins with the first bytes that it meets
      for (let waitedMs = 0; proxy.held() === before.held && waitedMs < MEET_LIMIT_MS; waitedMs += LOOK_MS)
        await pause(LOOK_MS);
      await pause(fault.lastsMs);
    }
    const cut = mend();
    busy.delete(key);
    const hasMet = cut > 0 || proxy.held() > before.held;
    const hadTraffic = history.inFlight > 0 || history.requests > before.requests;
    if (hasMet && hadTraffic) countIn(fault.kind, fault.link);
    await pause(fault.pauseMs);
    return hasMet && hadTraffic;
  }

  async function linkLane(): Promise<void> {
    for (let fault = linkFaults.shift(); fault !== undefined; fault = linkFaults.shift()) {
      while (!isOver && linkShare() > killShare() + AHEAD_MAX && kills.length > 0) await pause(50);
      while (!isOver && !(await breakLink(fault))) injected.missed += 1;
      if (isOver) return;
    }
  }

  function countReady(name: string, startMs: number): void {
    const ms = Math.round(performance.now() - startMs);
    injected.slowestMs[name] = Math.max(injected.slowestMs[name] ?? 0, ms);
  }

  async function untilReady(process: ServiceProcess): Promise<void> {
    const startMs = performance.now();
    await process.untilReady(READY_LIMIT_MS).catch((error: unknown) => {
      say(`${process.name} is slow to return: ${messageOf(error)}`);
    });
    countReady(process.name, startMs);
  }

  /** Kills and starts again; false when there was nothing to kill, or no client at work, and it does not count. */
  async function kill({ victim, awayMs }: Kill): Promise<boolean> {
    const begunBefore = history.requests;
    const hadTraffic = (): boolean => history.inFlight > 0 || history.requests > begunBefore;
    isBeingKilled.add(victim);
    if (victim === 'redis' || victim === 'kafka') {
      await system.stack.killComponent(victim);
      await pause(awayMs);
      const doesCount = hadTraffic();
      if (doesCount) countIn(`kill-${victim}`, victim);
      const startMs = performance.now();
      await system.stack.startComponent(victim);
      countReady(victim, startMs);
      isBeingKilled.delete(victim);
      return doesCount;
    }
    const process = system.fleet.one(victim);
    const wasRunning = process.isRunning();
    await process.kill();
    await pause(awayMs);
    const doesCount = hadTraffic() && wasRunning;
    if (doesCount) countIn(`kill-${victim}`, victim);
    await process.start();
    isBeingKilled.delete(victim);
    await untilReady(process);
    return doesCount;
  }

  async function killLane(): Promise<void> {
    while (!isOver && kills.length > 0) {
      const next = kills[0];
      if (next === undefined) return;
      if (killShare() > linkShare() + AHEAD_MAX / 2 && linkFaults.length > 0) {
        await pause(50);
        continue;
      }
      if (await kill(next)) kills.shift();
      else injected.missed += 1;
      await pause(BETWEEN_KILLS_MS);
    }
  }

  /** Starts again what has ended by itself, as a supervisor does. */
  async function supervise(): Promise<void> {
    while (!isOver) {
      for (const process of system.fleet.all) {
        if (process.isRunning() || isBeingKilled.has(process.name as Victim)) continue;
        injected.ended.push(process.name);
        say(`${process.name} has ended by itself; see ${process.logFile}`);
        await process.start();
      }
      await pause(100);
    }
  }

  const supervised = supervise();
  const lanes = Promise.all([...Array.from({ length: LANES }, linkLane), killLane()]);
  lanes.catch(() => undefined); // `done` tells
  supervised.catch(() => undefined);
  return {
    injected,
    count: () => Object.values(injected.kinds).reduce((sum, count) => sum + count, 0),
    async done(limitMs) {
      const timer = setTimeout(() => (isOver = true), limitMs);
      await lanes;
      clearTimeout(timer);
      isOver = true;
      await supervised;
      for (const process of system.fleet.all) if (!process.isRunning()) await process.start();
    },
  };
}
