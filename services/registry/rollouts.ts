import type { ModelVersionEvent, RouterStatus, TrafficPlan, Verdict } from '../../shared/domain/events.ts';
import type { ModelState, RolloutBody } from '../../shared/domain/model-directory.ts';
import { rolloutPolicyOf } from '../../shared/domain/model-spec.ts';
import type { RolloutPolicy } from '../../shared/domain/rollout-policy.ts';
import { isUnderWay } from '../../shared/domain/rollout.ts';
import type { RolloutState } from '../../shared/domain/rollout.ts';
import { isRetriable, messageOf } from '../../shared/errors.ts';
import type { Command } from './domain/commands.ts';
import type { Decision } from './domain/decision.ts';
import { parseVerdict } from './domain/rollout/parse-verdict.ts';
import { liveRouters, routerSignals, standstillOf, standstillSignals } from './domain/rollout/routers.ts';
import type { HeardRouter, RouterView, Standstill } from './domain/rollout/routers.ts';
import type { HeardVerdict, RolloutCommand, RolloutSignal } from './domain/rollout/signals.ts';
import { promotionWaits, spoken, verdictFault } from './domain/rollout/waits.ts';
import type { RegistryObserver, RegistryPorts } from './ports.ts';
import type { Asked, CommandResult, Registry } from './service.ts';

/** What moving rollouts needs. */
export interface RolloutsDeps extends Pick<RegistryPorts, 'log' | 'nowMs'> {
  readonly registry: Registry;
  readonly observe: RegistryObserver;
  /** Returns the next offset of training-events.v1 of a model. */
  readonly positionOf: (model: string) => Promise<number>;
  readonly onFatal: (error: unknown) => void;
}

/** What is known of a model's rollout at the moment. */
export interface RolloutView {
  readonly rollout: RolloutState | null;
  readonly queued: readonly number[];
  readonly policy: RolloutPolicy;
  readonly plan: TrafficPlan;
  /** What the next stage waits for, a phrase each. */
  readonly waitsFor: readonly string[];
  /** The newest verdict on the present stage; null on a registry that does not lead. */
  readonly verdict: HeardVerdict | null;
  readonly routers: readonly RouterView[];
  /** What happened last, and why; null when there was no rollout. */
  readonly last: LastMove | null;
}

/** The newest event of a rollout. */
export interface LastMove extends Pick<ModelVersionEvent, 'sequence' | 'kind' | 'atMs' | 'actor'> {
  readonly because: string;
}

/** Hears the monitor and the routers, and moves the rollouts of all models. */
export interface Rollouts {
  /** Takes a record of verdicts.v1. @param isPast whether it was written before this registry began to listen */
  hearVerdict(record: Verdict, isPast: boolean): void;
  /** Takes a record of router-status.v1; null says that the router is gone. */
  hearRouter(router: string, status: RouterStatus | null, isPast: boolean): void;
  /** From now on silence counts: everything that was written before has been heard. */
  beginListening(): void;
  /** Looks at every rollout: time is a signal. Never rejects. */
  tick(): Promise<void>;
  command(model: string, command: RolloutCommand, asked: Asked): Promise<CommandResult>;
  view(model: ModelState): RolloutView;
}

/** Returns what moves rollouts; only the leader may let it tick or give it commands. */
export function createRollouts(deps: RolloutsDeps): Rollouts {
  const { registry, observe, nowMs } = deps;
  const routers = new Map<string, HeardRouter>();
  const newest = new Map<string, HeardVerdict>();
  const heardAt = new Map<string, number>();
  const standstills = new Map<string, Standstill>();
  const looking = new Map<string, Promise<void>>();
  const lookAgain = new Set<string>();
  let listeningSinceMs = nowMs();

  const newestOf = (model: ModelState): HeardVerdict | null => {
    const verdict = newest.get(model.spec.name);
    return verdict === undefined || verdictFault(model.rollout, verdict) !== undefined ? null : verdict;
  };
  const heardOf = (model: ModelState, position: number): Extract<Command, { kind: 'rollout' }>['heard'] => ({
    position,
    newest: newestOf(model),
    heardAtMs: Math.max(listeningSinceMs, heardAt.get(model.spec.name) ?? 0),
  });

  /** A rollout that begins or goes on needs to know where the log ends; one that goes back must not wait for it. */
  function needsPosition(decision: Extract<Decision, { kind: 'append' }>): boolean {
    const { kind, body } = decision.events.at(-1) ?? {};
    if (kind !== 'RolloutStarted' && kind !== 'RolloutAdvanced') return false;
    const { rollout } = body as RolloutBody;
    return rollout !== null && isUnderWay(rollout.phase);
  }

  async function move(model: ModelState, signal: RolloutSignal, asked?: Asked): Promise<CommandResult> {
    const name = model.spec.name;
    const heard = heardOf(model, model.rollout?.stagePosition ?? 0);
    const command = { kind: 'rollout', model: name, signal, heard } as const;
    const foreseen = registry.foresee(command);
    // What an operator asks is taken in any case: it may be known by its key, and a refusal is counted.
    if (foreseen.kind !== 'append') return asked === undefined ? foreseen : registry.take(command, asked);
    const position = needsPosition(foreseen) ? await deps.positionOf(name) : heard.position;
    const { because } = foreseen.events.at(-1)?.body as RolloutBody;
    const actor = signal.kind === 'verdict' ? 'monitor' : 'registry';
    const by = asked ?? { actor, reason: because.slice(0, 1024), idempotencyKey: undefined };
    return registry.take({ ...command, heard: { ...heard, position } }, by);
  }

  /** Returns what there is to be said about a rollout now, the most urgent first. */
  function signalsOf(model: ModelState): readonly RolloutSignal[] {
    const { rollout, plan, spec } = model;
    const time = { kind: 'time' } as const;
    if (rollout === null || !isUnderWay(rollout.phase)) return [time];
    const atMs = nowMs();
    const live = liveRouters(routers.values(), spec.name, atMs);
    const standstill = standstillOf(standstills.get(spec.name), rollout, plan, live, atMs);
    standstills.set(spec.name, standstill);
    const verdict = newestOf(model);
    return [
      ...(verdict === null ? [] : [{ kind: 'verdict', verdict } as const]),
      ...standstillSignals(standstill, rollout, atMs),
      ...routerSignals(rollout, live),
      time,
    ];
  }

  /** Takes a signal and returns whether the rollout has moved. */
  async function hasMoved(model: ModelState, signal: RolloutSignal): Promise<boolean> {
    const { kind } = await move(model, signal);
    if (kind === 'recorded' && signal.kind === 'verdict') observe.verdict(signal.verdict.value, 'taken');
    return kind === 'recorded';
  }

  /** Takes one signal after the other until none moves anything. */
  async function look(name: string): Promise<void> {
    for (let isMoving = true; isMoving;) {
      isMoving = false;
      const model = registry.directory().get(name);
      if (model === undefined) return;
      for (const signal of signalsOf(model)) {
        isMoving = await hasMoved(model, signal);
        if (isMoving) break;
      }
    }
  }

  /** Does something about a model; what can be tried again is left to the next tick. */
  async function tried(name: string, work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!isRetriable(error)) deps.onFatal(error);
      deps.log.warn({ model: name, reason: messageOf(error) }, 'rollout not moved; it will be tried again');
    }
  }

  /** Looks at a model; while somebody does already, once more after that. */
  function lookAt(name: string): Promise<void> {
    const under = looking.get(name);
    if (under !== undefined) {
      lookAgain.add(name);
      return under;
    }
    const work = tried(name, look(name)).finally(() => {
      looking.delete(name);
      if (lookAgain.delete(name)) void lookAt(name);
    });
    looking.set(name, work);
    return work;
  }

  return {
    hearVerdict(record, isPast) {
      const heardAtMs = isPast ? Math.min(nowMs(), record.atMs) : nowMs();
      const verdict = parseVerdict(record, heardAtMs);
      const model = registry.directory().get(record.model);
      if (verdict === undefined || model === undefined) {
        observe.verdict(verdict?.value ?? 'none', 'malformed');
        return;
      }
      heardAt.set(record.model, heardAtMs);
      const fault = verdictFault(model.rollout, verdict);
      observe.verdict(verdict.value, fault ?? 'noted');
      if (fault !== undefined) return;
      newest.set(record.model, verdict);
      if (isPast) return;
      // A promotion under way may be asking where the log ends; a rollback does not queue up behind it.
      if (verdict.value === 'rollback')
        void tried(record.model, hasMoved(model, { kind: 'verdict', verdict }));
      else void lookAt(record.model);
    },
    hearRouter(router, status, isPast) {
      if (status === null) routers.delete(router);
      else routers.set(router, { status, heardAtMs: isPast ? Math.min(nowMs(), status.atMs) : nowMs() });
      if (isPast) return;
      for (const { rollout, spec } of registry.directory().values())
        if (rollout !== null && isUnderWay(rollout.phase)) void lookAt(spec.name);
    },
    beginListening() {
      listeningSinceMs = nowMs();
    },
    async tick() {
      const moving = [...registry.directory().values()].filter(
        ({ rollout, queued }) =>
          rollout !== null && (isUnderWay(rollout.phase) || rollout.phase === 'full' || queued.length > 0),
      );
      observe.liveRouters(liveRouters(routers.values(), '', nowMs()).length);
      await Promise.all(moving.map(({ spec }) => lookAt(spec.name)));
    },
    async command(name, command, asked) {
      const model = registry.directory().get(name);
      if (model === undefined)
        return { kind: 'refused', refusal: { kind: 'not-found', message: `model ${name} does not exist` } };
      const result = await move(model, { kind: 'command', command, why: asked.reason }, asked);
      if (result.kind === 'recorded' && command.kind === 'resume') heardAt.set(name, nowMs()); // the monitor gets its time to speak again
      return result;
    },
    view(model) {
      const { rollout, queued, plan, spec } = model;
      const policy = rolloutPolicyOf(spec);
      const verdict = newestOf(model);
      const live = liveRouters(routers.values(), spec.name, nowMs());
      const waits = waitsFor(model, policy);
      return {
        rollout,
        queued,
        policy,
        plan,
        waitsFor: waits,
        verdict,
        routers: live,
        last: lastOf(spec.name),
      };
    },
  };

  function lastOf(name: string): LastMove | null {
    const event = registry.history(name).findLast(({ kind }) => kind.startsWith('Rollout'));
    if (event === undefined) return null;
    const { sequence, kind, atMs, actor } = event;
    return { sequence, kind, atMs, actor, because: (JSON.parse(event.body) as RolloutBody).because };
  }

  function waitsFor(model: ModelState, policy: RolloutPolicy): readonly string[] {
    const { rollout } = model;
    if (rollout === null) return [];
    const context = { ...heardOf(model, 0), nowMs: nowMs(), sequence: 0, triesOf: () => 0 };
    if (isUnderWay(rollout.phase)) return promotionWaits(model, rollout, policy, context);
    if (rollout.phase !== 'full') return [];
    const leftMs = rollout.stageBeganAtMs + policy.rollbackWindowMs + rollout.extendedMs - context.nowMs;
    return [`the end of the rollback window: ${spoken(Math.max(0, leftMs))} more`];
  }
}
