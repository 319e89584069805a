import type { ModelVersionEvent, ModelVersionEventKind, TrafficPlan } from '../../shared/domain/events.ts';
import { evolveDirectory } from '../../shared/domain/model-directory.ts';
import type { ModelDirectory } from '../../shared/domain/model-directory.ts';
import { canonicalEvent, chainFault, GENESIS_HASH } from './domain/chain.ts';
import type { ChainEnd } from './domain/chain.ts';
import type { Command, Refusal } from './domain/commands.ts';
import { decide } from './domain/decide.ts';
import type { EventDraft } from './domain/decide.ts';
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
  | { readonly kind: 'recorded'; readonly event: ModelVersionEvent }
  | { readonly kind: 'already' }
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
  /** Publishes the current plan of every model again: what a compacted topic may have lost. */
  republish(): Promise<void>;
}

/** What each command is recorded as. */
const RECORDED_AS: Readonly<Record<Command['kind'], ModelVersionEventKind>> = {
  'create-model': 'ModelCreated',
  'register-version': 'VersionRegistered',
  'approve-version': 'VersionApproved',
  'retire-version': 'VersionRetired',
  'resume-version': 'VersionResumed',
  'request-milestone': 'MilestoneRequested',
  'reposition-shard': 'ShardRepositioned',
  'record-birth': 'VersionBorn',
  'set-traffic': 'TrafficPlanned',
};

function isSamePlan(a: TrafficPlan, b: TrafficPlan): boolean {
  return JSON.stringify({ ...a, planVersion: 0 }) === JSON.stringify({ ...b, planVersion: 0 });
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
    return {
      topic: 'traffic.v1',
      key: plan.model,
      partition: 0,
      value: { ...plan, publishedAtMs: ports.nowMs(), leaseMs: 0 },
    };
  }

  async function record(draft: EventDraft, asked: Asked): Promise<ModelVersionEvent> {
    const sequence = end.sequence + 1;
    const before = directory.get(draft.model)?.plan;
    const isNewPlan =
      draft.kind === 'TrafficPlanned' || before === undefined || !isSamePlan(before, draft.plan);
    const plan = isNewPlan ? { ...draft.plan, planVersion: sequence } : draft.plan;
    const unsigned = {
      sequence,
      eventId: asked.idempotencyKey ?? ports.newId(),
      atMs: ports.nowMs(),
      actor: asked.actor,
      reason: asked.reason,
      model: draft.model,
      kind: draft.kind,
      version: draft.version,
      body: JSON.stringify(draft.body),
      plan,
      previousHash: end.hash,
    };
    const event: ModelVersionEvent = { ...unsigned, hash: ports.sha256(canonicalEvent(unsigned)) };
    const log: OutRecord = { topic: 'model-versions.v1', key: draft.model, partition: 0, value: event };
    await ports.commit(isNewPlan ? [log, planRecord(plan)] : [log]);
    fold(event);
    ports.log.info(
      { sequence, model: event.model, kind: event.kind, version: event.version, actor: event.actor },
      'recorded',
    );
    return event;
  }

  function conflict(message: string): CommandResult {
    return { kind: 'refused', refusal: { kind: 'conflict', message } };
  }

  async function takeNow(command: Command, asked: Asked): Promise<CommandResult> {
    if (broken !== undefined) return conflict(`the version log is broken: ${broken}`);
    const earlier = asked.idempotencyKey === undefined ? undefined : byKey.get(asked.idempotencyKey);
    if (earlier !== undefined) {
      if (earlier.model === command.model && earlier.kind === RECORDED_AS[command.kind])
        return { kind: 'recorded', event: earlier };
      return conflict(`the idempotency key was used for ${earlier.kind} of model ${earlier.model}`);
    }
    const decision = decide(directory, command);
    if (decision.kind === 'append') return { kind: 'recorded', event: await record(decision.event, asked) };
    if (decision.kind === 'refused') ports.observe.refused(command.kind);
    return decision;
  }

  return {
    fold,
    directory: () => directory,
    history: (model) => histories.get(model) ?? [],
    broken: () => broken,
    take(command, asked) {
      const result = queue.then(() => takeNow(command, asked));
      queue = result.catch(() => undefined);
      return result;
    },
    async republish() {
      const plans = [...directory.values()].map(({ plan }) => planRecord(plan));
      if (plans.length > 0) await ports.commit(plans);
    },
  };
}
