import type { RouterStatus, RouterVersionStatus, TrafficPlan } from '../../../../shared/domain/events.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';
import type { RolloutState } from '../../../../shared/domain/rollout.ts';
import type { RolloutSignal } from './signals.ts';

/** How old a router's report may be, ms; a router reports every five seconds and at every change. */
export const ROUTER_LIVE_MS = 15_000;
/** For how long a candidate's parameters may stand still while those of stable move on, ms. */
const STANDSTILL_MS = 30_000;
/** Reasons of a router that are the version's own fault; a version that is still being loaded is not broken. */
const BROKEN = /^(parity-mismatch|unloadable|breaker)/;

/** A router's newest report. */
export interface HeardRouter {
  readonly status: RouterStatus;
  /** By the registry's clock, ms. */
  readonly heardAtMs: number;
}

/** What a live router has of one model. */
export interface RouterView {
  readonly router: string;
  readonly planVersion: number;
  readonly versions: readonly RouterVersionStatus[];
}

/** Returns what every live router has of a model; -1 as the plan of one that knows nothing of it. */
export function liveRouters(routers: Iterable<HeardRouter>, model: string, nowMs: number): RouterView[] {
  return [...routers]
    .filter(({ heardAtMs }) => nowMs - heardAtMs <= ROUTER_LIVE_MS)
    .map(({ status }) => {
      const { planVersion = -1, versions = [] } = status.models.find((one) => one.model === model) ?? {};
      return { router: status.router, planVersion, versions };
    });
}

/** Returns what live routers tell a rollout: that its stage has reached them all, or that its candidate does not work. */
export function routerSignals(rollout: RolloutState, live: readonly RouterView[]): RolloutSignal[] {
  if (!isUnderWay(rollout.phase)) return [];
  const { candidate: version, stage, stagePlanVersion } = rollout;
  const signals: RolloutSignal[] = [];
  for (const { router, versions } of live) {
    const reason = versions.find((one) => one.version === version)?.reason ?? '';
    if (!BROKEN.test(reason)) continue;
    const because = `router ${router} does not serve version ${String(version)}: ${reason}`;
    signals.push({ kind: 'alarm', from: 'router', version, because });
  }
  const hasStage = ({ planVersion, versions }: RouterView): boolean =>
    planVersion >= stagePlanVersion && versions.some((one) => one.version === version && one.ready);
  if (rollout.appliedAtMs === null && live.length > 0 && live.every(hasStage))
    signals.push({ kind: 'applied', stage });
  return signals;
}

/** Since when a candidate's parameters have stood still behind those of stable. */
export interface Standstill {
  readonly rolloutId: string;
  readonly position: number;
  /** Null while they do not. */
  readonly sinceMs: number | null;
}

/**
 * Returns the standstill after another look at the live routers. A halted version publishes nothing, so its position stays
 * where it is on every router while that of stable goes on.
 */
export function standstillOf(
  before: Standstill | undefined,
  rollout: RolloutState,
  plan: TrafficPlan,
  live: readonly RouterView[],
  nowMs: number,
): Standstill {
  const { rolloutId, candidate } = rollout;
  const positions = (version: number | null): number[] =>
    live.flatMap(({ versions }) =>
      versions.flatMap((one) => (one.version === version && one.ready ? [one.position] : [])),
    );
  const position = Math.max(-1, ...positions(candidate));
  const isBehind = Math.max(-1, ...positions(plan.stable)) > position && position >= 0;
  const isSame = before?.rolloutId === rolloutId && before.position === position;
  if (!isBehind) return { rolloutId, position, sinceMs: null };
  return { rolloutId, position, sinceMs: isSame ? (before.sinceMs ?? nowMs) : nowMs };
}

/** Returns the alarm of a candidate whose learner has stopped; none while it moves. */
export function standstillSignals(
  { sinceMs, position }: Standstill,
  rollout: RolloutState,
  nowMs: number,
): RolloutSignal[] {
  if (sinceMs === null || nowMs - sinceMs <= STANDSTILL_MS) return [];
  const { candidate: version } = rollout;
  const words = `version ${String(version)} has learned nothing beyond position ${String(position)} for 30 s while stable went on`;
  return [{ kind: 'alarm', from: 'learner', version, because: `${words}: it is halted` }];
}
