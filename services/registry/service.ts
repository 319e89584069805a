import type { ModelVersionEvent, TrafficPlan } from '../../shared/domain/events.ts';
import { evolveDirectory } from '../../shared/domain/model-directory.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { canonicalEvent, chainFault, GENESIS_HASH } from '../../shared/domain/version-chain.ts';
import type { ChainEnd } from '../../shared/domain/version-chain.ts';
import type { Command } from './domain/commands.ts';
import { decide } from './domain/decide.ts';
import type { Decision, EventDraft, Moment } from './domain/decision.ts';
import { isDueForRenewal, leaseOf } from './domain/lease.ts';
import { recordedAs } from './domain/recorded-as.ts';
import type { Refusal } from './domain/refusal.ts';
import type { IgnoredReason } from './domain/rollout/signals.ts';
import { isSamePlan } from './domain/same-plan.ts';
import type { OutRecord, RegistryPorts } from './ports.ts';

/** Who asks, why, and under which idempotency key. */
export interface Asked {
  readonly actor: string;
  readonly reason: string;
  /** Repeating a command with the same key returns what the first one did. */
  readonly idempotencyKey: string | undefined;
}

/** What became of a command. */
export type CommandResult =
  /** The last of the events that were recorded in one transaction. */
  | { readonly kind: 'recorded'; readonly event: ModelVersionEvent }
  | { readonly kind: 'already' }
  | { readonly kind: 'ignored'; readonly reason: IgnoredReason }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** The registry's decisions over its log. */
export interface Registry {
  /** Takes the next event of the log, in order. An event that breaks the chain stops the registry from deciding. */
  fold(event: ModelVersionEvent): void;
  readonly directory: () => ModelDirectory;
  /** Returns a model's events, oldest first. */
  history(model: string): readonly ModelVersionEvent[];
  /** Returns why nothing can be decided: the first broken link of the chain. */
  readonly broken: () => string | undefined;
  /** Takes a command after all earlier ones. Only the leader may call it. */
  take(command: Command, asked: Asked): Promise<CommandResult>;
  /** Returns what a command would do now, without doing it. */
  foresee(command: Command): Decision;
  /** Publishes the plans with a candidate again whose lease has less than two thirds left. Only the leader may call it. */
  renewLeases(): Promise<void>;
  /** Publishes the current plan of every model again: what a compacted topic may have lost. */
  republish(): Promise<void>;
}

/**
 * Returns the registry. Commands are taken one at a time, each decided on the state at the log's end, recorded together
 * with the plan it leads to in one transaction, and folded before the next one is looked at.
 */
export function createRegistry(ports: RegistryPorts): Registry {
  let directory: ModelDirectory = new Map();
  let end: ChainEnd = { sequence: 0, hash: GENESIS_HASH };
  let broken: string | undefined;
  const histories = new Map<string, ModelVersionEvent[]>();
  /** When the plan of a model was published last, ms. */
  const publishedAt = new Map<string, number>();
  const byKey = new Map<string, ModelVersionEvent>();
  let queue: Promise<unknown> = Promise.resolve();

  function fold(event: ModelVersionEvent): void {
    if (event.sequence <= end.sequence) return; // folded when it was written
    broken ??= chainFault(end, event, ports.sha256);
    if (broken !== undefined) return;
    directory = evolveDirectory(directory, event);
    end = { sequence: event.sequence, hash: event.hash };
    const history = histories.get(event.model) ?? [];
    history.push(event);
    histories.set(event.model, history);
    byKey.set(event.eventId, event);
    ports.observe.recorded(event);
  }

  function planRecord(plan: TrafficPlan): OutRecord {
    const publishedAtMs = ports.nowMs();
    publishedAt.set(plan.model, publishedAtMs);
    const leaseMs = leaseOf(plan, directory.get(plan.model)?.spec);
    return {
      topic: 'traffic.v1',
      key: plan.model,
      partition: 0,
      value: { ...plan, publishedAtMs, leaseMs },
    };
  }

  function momentOf(model: string): Moment {
    const triesOf = (version: number): number =>
      (histories.get(model) ?? []).filter((one) => one.kind === 'RolloutStarted' && one.version === version)
        .length;
    return { nowMs: ports.nowMs(), sequence: end.sequence + 1, triesOf };
  }

  /** Returns the drafts as events of the log, chained; the key goes to the last one, which is the answer. */
  function chained(drafts: readonly EventDraft[], asked: Asked, atMs: number): ModelVersionEvent[] {
    let { sequence, hash: previousHash } = end;
    let before = drafts[0] === undefined ? undefined : directory.get(drafts[0].model)?.plan;
    return drafts.map((draft, index) => {
      sequence += 1;
      const isNewPlan =
        draft.kind === 'TrafficPlanned' || before === undefined || !isSamePlan(before, draft.plan);
      const plan = isNewPlan ? { ...draft.plan, planVersion: sequence } : (before ?? draft.plan);
      before = plan;
      const key = index === drafts.length - 1 ? asked.idempotencyKey : undefined;
      const unsigned = {
        sequence,
        eventId: key ?? ports.newId(),
        atMs,
        actor: asked.actor,
        reason: asked.reason,
        model: draft.model,
        kind: draft.kind,
        version: draft.version,
        body: JSON.stringify(draft.body),
        plan,
        previousHash,
      };
      const event = { ...unsigned, hash: ports.sha256(canonicalEvent(unsigned)) };
      previousHash = event.hash;
      return event;
    });
  }

  /** Writes events and the plan they lead to in one transaction, folds them and returns the last. */
  async function record(
    drafts: readonly EventDraft[],
    asked: Asked,
    atMs: number,
  ): Promise<ModelVersionEvent | undefined> {
    const events = chained(drafts, asked, atMs);
    const last = events.at(-1);
    if (last === undefined) return undefined;
    const isNewPlan = directory.get(last.model)?.plan.planVersion !== last.plan.planVersion;
    const log = events.map((value): OutRecord => ({
      topic: 'model-versions.v1',
      key: value.model,
      partition: 0,
      value,
    }));
    await ports.commit(isNewPlan ? [...log, planRecord(last.plan)] : log);
    for (const event of events) {
      fold(event);
      const { sequence, model, kind, version, actor } = event;
      ports.log.info({ sequence, model, kind, version, actor }, 'recorded');
    }
    return last;
  }

  function conflict(message: string): CommandResult {
    return { kind: 'refused', refusal: { kind: 'conflict', message } };
  }

  async function takeNow(command: Command, asked: Asked): Promise<CommandResult> {
    if (broken !== undefined) return conflict(`the version log is broken: ${broken}`);
    const earlier = asked.idempotencyKey === undefined ? undefined : byKey.get(asked.idempotencyKey);
    if (earlier !== undefined) {
      if (earlier.model === command.model && recordedAs(command).includes(earlier.kind))
        return { kind: 'recorded', event: earlier };
      return conflict(`the idempotency key was used for ${earlier.kind} of model ${earlier.model}`);
    }
    const moment = momentOf(command.model);
    const decision = decide(directory, command, moment);
    if (decision.kind === 'append') {
      const event = await record(decision.events, asked, moment.nowMs);
      return event === undefined ? { kind: 'already' } : { kind: 'recorded', event };
    }
    if (decision.kind === 'refused') ports.observe.refused(command.kind);
    return decision;
  }

  async function renewNow(): Promise<void> {
    const due = [...directory.values()].filter(({ plan, spec }) =>
      isDueForRenewal(leaseOf(plan, spec), publishedAt.get(plan.model) ?? 0, ports.nowMs()),
    );
    if (due.length > 0 && broken === undefined) await ports.commit(due.map(({ plan }) => planRecord(plan)));
  }

  /** Runs work after all that was asked for before. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  }

  return {
    fold,
    directory: () => directory,
    history: (model) => histories.get(model) ?? [],
    broken: () => broken,
    take: (command, asked) => inTurn(() => takeNow(command, asked)),
    foresee: (command) => decide(directory, command, momentOf(command.model)),
    renewLeases: () => inTurn(renewNow),
    republish: () =>
      inTurn(async () => {
        const plans = [...directory.values()].map(({ plan }) => planRecord(plan));
        if (plans.length > 0) await ports.commit(plans);
      }),
  };
}
