import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { LINKS } from './world.ts';
import type { LinkName } from './world.ts';

/** What can be killed with SIGKILL and is then started again. */
export const VICTIMS = ['ingest', 'online-learner', 'redis', 'kafka'] as const;

/** One of them. */
export type Victim = (typeof VICTIMS)[number];

/** What can happen to a link: `lost-answers` lets requests through, holds what they are answered, and cuts. */
export const LINK_FAULTS = ['reset', 'black-hole', 'lost-answers', 'latency', 'slicing'] as const;

/** One of them. */
export type LinkFaultKind = (typeof LINK_FAULTS)[number];

/** One fault of a link. */
export interface LinkFault {
  readonly link: LinkName;
  readonly kind: LinkFaultKind;
  readonly lastsMs: number;
  /** Extra time of every byte, for latency. */
  readonly latencyMs: number;
  /** Bytes let through at once, for slicing. */
  readonly sliceBytes: number;
  /** Calm on this lane afterwards. */
  readonly pauseMs: number;
}

/** One SIGKILL. */
export interface Kill {
  readonly victim: Victim;
  /** How long it stays away before it is started again. */
  readonly awayMs: number;
}

/** All faults of one run. */
export interface FaultPlan {
  readonly linkFaults: readonly LinkFault[];
  readonly kills: readonly Kill[];
}

const KILL_SHARE = 0.05;
/** Of 100 kills; the broker's cost most, because it takes six seconds and more to come back. */
const VICTIM_WEIGHTS: Readonly<Record<Victim, number>> = {
  ingest: 40,
  'online-learner': 36,
  redis: 16,
  kafka: 8,
};
/** Cutting or silencing a link longer than a request may take makes its client give up: a few faults are of this kind. */
const LONG_SHARE = 0.015;

function between(rng: Rng, least: number, most: number): number {
  return Math.round(least * (most / least) ** rng.next());
}

function weighted<T extends string>(rng: Rng, weights: Readonly<Record<T, number>>): T {
  const entries = Object.entries(weights) as [T, number][];
  let at = rng.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    at -= weight;
    if (at < 0) return name;
  }
  throw new RangeError('no weights');
}

function shuffled<T>(rng: Rng, items: readonly T[]): T[] {
  const left = [...items];
  return Array.from(items, () => left.splice(rng.int(left.length), 1)).flat();
}

/**
 * Returns the faults of a run as a function of its seed: about a twentieth of them kills, each victim at least once where
 * there are four, the rest faults of links that last 20 to 500 ms and sometimes seconds.
 */
export function planFaults(seed: number, count: number): FaultPlan {
  const rng = createRng(seed);
  const killCount = Math.min(count, Math.max(VICTIMS.length, Math.round(count * KILL_SHARE)));
  const kills = Array.from({ length: killCount }, (_, index): Kill => {
    const victim = index < VICTIMS.length ? VICTIMS[index] : undefined;
    return { victim: victim ?? weighted(rng, VICTIM_WEIGHTS), awayMs: between(rng, 10, 1500) };
  });
  const linkFaults = Array.from({ length: count - killCount }, (): LinkFault => {
    const kind = LINK_FAULTS[rng.int(LINK_FAULTS.length)] ?? 'reset';
    const isLong = kind !== 'reset' && rng.next() < LONG_SHARE;
    return {
      link: LINKS[rng.int(LINKS.length)] ?? 'client-ingest',
      kind,
      lastsMs: isLong ? between(rng, 2000, 8000) : between(rng, 20, 500),
      latencyMs: between(rng, 5, 200),
      sliceBytes: between(rng, 1, 200),
      pauseMs: between(rng, 20, 600),
    };
  });
  return { kills: shuffled(rng, kills), linkFaults };
}
