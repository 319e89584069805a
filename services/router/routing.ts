import type { PublishedTrafficPlan } from '../../shared/domain/events.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { withPlan } from './domain/traffic-plans.ts';
import type { TrafficPlans } from './domain/traffic-plans.ts';
import { unreadyStables } from './domain/waits-for.ts';

/** Where what a router goes by comes from: nowhere yet, from its own disk, from Kafka. */
export type RoutingSource = 'nothing' | 'cache' | 'kafka';

/** The models and plans that a router goes by. */
export interface Routing {
  readonly directory: () => ModelDirectory;
  readonly plans: () => TrafficPlans;
  readonly source: () => RoutingSource;
  /** Says what Kafka is waited for, in words. */
  waitFor(what: readonly string[]): void;
  /** Goes by what the disk has, unless Kafka has spoken. Returns whether it does. */
  useCache(cached: { readonly directory: ModelDirectory; readonly plans: TrafficPlans }): boolean;
  heardDirectory(directory: ModelDirectory): void;
  /** Takes a plan and returns whether it is another one than before; not so while the past is still read. */
  heardPlan(plan: PublishedTrafficPlan): boolean;
  /** Notes that everything that lay on a topic has been read. */
  caughtUp(topic: string): void;
  /** Goes by Kafka when it may: call it whenever something has changed. */
  settle(): void;
  /** Returns what keeps the router from answering for every model, in words; empty when nothing does. */
  waitsFor(): readonly string[];
}

/** What routing needs. */
export interface RoutingDeps {
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  /** Returns why a version is not ready; undefined when it is. */
  readonly notReady: (model: string, version: number) => string | undefined;
  readonly onPlan: (model: string, planVersion: number) => void;
}

const MODELS = 'model-versions.v1';
const PLANS = 'traffic.v1';
/** How long, after Kafka has said everything, the disk's plans hold while a stable version of Kafka's is not ready, ms. */
const PATIENCE_MS = 5000;
const NO_PLANS: TrafficPlans = new Map();

/**
 * Returns the routing of a router that begins. Kafka's plans count from when they have been read to their end, so that no plan
 * of the past is ever obeyed. When the router has begun from its disk, they count when everything else has been read, too, and
 * their stable versions are ready (or have had their time): so nobody is refused for going back to Kafka.
 */
export function createRouting(deps: RoutingDeps): Routing {
  let waiting = new Set(['starting']);
  let source: RoutingSource = 'nothing';
  let directory: ModelDirectory = new Map();
  let heard: TrafficPlans = NO_PLANS;
  let cached: TrafficPlans = NO_PLANS;
  let patienceEndsMs = 0;

  const plansInForce = (): TrafficPlans => {
    if (source === 'cache') return cached;
    return source === 'kafka' ? heard : NO_PLANS;
  };

  function settle(): void {
    if (source === 'kafka') return;
    if (source === 'nothing') {
      if (waiting.has('starting') || waiting.has(MODELS) || waiting.has(PLANS)) return;
    } else {
      const isUnready = unreadyStables(heard, deps.notReady).length > 0;
      if (waiting.size > 0 || (isUnready && deps.monotonicMs() < patienceEndsMs)) return;
    }
    source = 'kafka';
    cached = NO_PLANS;
    for (const { model, planVersion } of heard.values()) deps.onPlan(model, planVersion);
  }

  return {
    directory: () => directory,
    plans: plansInForce,
    source: () => source,
    waitFor(what) {
      waiting = new Set(what);
    },
    useCache(found) {
      if (source !== 'nothing' || found.plans.size === 0) return false;
      source = 'cache';
      cached = found.plans;
      if (directory.size === 0) ({ directory } = found);
      for (const { model, planVersion } of cached.values()) deps.onPlan(model, planVersion);
      return true;
    },
    heardDirectory(next) {
      directory = next;
    },
    heardPlan(plan) {
      const isPast = waiting.has(PLANS);
      const before = heard.get(plan.model)?.planVersion;
      heard = withPlan(heard, plan, { nowMs: deps.nowMs(), monotonicMs: deps.monotonicMs(), isPast });
      const after = heard.get(plan.model)?.planVersion;
      if (after === before || after === undefined || source !== 'kafka') return false; // at most its lease was renewed
      deps.onPlan(plan.model, after);
      return true;
    },
    caughtUp(topic) {
      waiting.delete(topic);
      if (waiting.size === 0) patienceEndsMs = deps.monotonicMs() + PATIENCE_MS;
      settle();
    },
    settle,
    waitsFor() {
      if (source === 'cache' || waiting.size === 0) return unreadyStables(plansInForce(), deps.notReady);
      return [...waiting];
    },
  };
}
