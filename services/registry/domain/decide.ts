import type { ModelVersionEventKind, TrafficPlan } from '../../../shared/domain/events.ts';
import { learningVersions } from '../../../shared/domain/model-directory.ts';
import type {
  ModelDirectory,
  ModelState,
  ModelVersionBodies,
  VersionState,
} from '../../../shared/domain/model-directory.ts';
import type { Command, Refusal } from './commands.ts';
import { planTraffic } from './plan-traffic.ts';

/** The most versions of a model that may live at a time. */
export const LIVE_VERSIONS_MAX = 4;

/** What a command adds to the log, before it has a number, a time and a hash. */
export interface EventDraft {
  readonly model: string;
  readonly kind: ModelVersionEventKind;
  readonly version: number | null;
  readonly body: ModelVersionBodies[ModelVersionEventKind];
  readonly plan: TrafficPlan;
}

/** What the registry decided: an event, nothing to do because it is so already, or why not. */
export type Decision =
  | { readonly kind: 'append'; readonly event: EventDraft }
  | { readonly kind: 'already' }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

function refused(kind: Refusal['kind'], message: string): Decision {
  return { kind: 'refused', refusal: { kind, message } };
}

function registerVersion(
  model: ModelState,
  command: Extract<Command, { kind: 'register-version' }>,
): Decision {
  const name = model.spec.name;
  const living = learningVersions(model);
  if (living.length >= LIVE_VERSIONS_MAX) {
    return refused(
      'conflict',
      `model ${name} has ${String(living.length)} live versions, at most ${String(LIVE_VERSIONS_MAX)}; retire one first`,
    );
  }
  const isCopy = command.mode === 'copy' || command.mode === 'milestone';
  const parent = isCopy ? (command.parent ?? model.plan.stable) : null;
  if (isCopy) {
    const source = model.versions.find(({ version }) => version === parent);
    if (source === undefined)
      return refused('not-found', `model ${name} has no version ${String(parent)} to copy`);
    if (source.life === 'retired' && command.mode === 'copy')
      return refused('conflict', `version ${String(parent)} is retired and cannot be copied`);
    if (source.learner.tableBits !== command.learner.tableBits) {
      return refused(
        'invalid',
        `learner.tableBits ${String(command.learner.tableBits)}, allowed ${String(source.learner.tableBits)} as its parent's`,
      );
    }
  }
  const version = (model.versions.at(-1)?.version ?? 0) + 1;
  const { mode, learner, startPosition } = command;
  const body = { parent, mode, learner, startPosition };
  return {
    kind: 'append',
    event: { model: name, kind: 'VersionRegistered', version, body, plan: model.plan },
  };
}

function withoutShadow(plan: TrafficPlan, version: number): TrafficPlan {
  return { ...plan, shadows: plan.shadows.filter((shadow) => shadow !== version) };
}

function changeVersion(
  model: ModelState,
  version: VersionState,
  command: Extract<
    Command,
    { kind: 'approve-version' | 'retire-version' | 'resume-version' | 'record-birth' }
  >,
): Decision {
  const { plan, spec } = model;
  const base = { model: spec.name, version: version.version };
  switch (command.kind) {
    case 'approve-version':
      if (version.isApproved) return { kind: 'already' };
      if (version.life === 'retired')
        return refused('conflict', `version ${String(version.version)} is retired`);
      return { kind: 'append', event: { ...base, kind: 'VersionApproved', body: {}, plan } };
    case 'retire-version':
      if (version.life === 'retired') return { kind: 'already' };
      if (plan.stable === version.version || plan.candidate === version.version) {
        return refused(
          'conflict',
          `version ${String(version.version)} has traffic; give it to another version first`,
        );
      }
      return {
        kind: 'append',
        event: { ...base, kind: 'VersionRetired', body: {}, plan: withoutShadow(plan, version.version) },
      };
    case 'resume-version':
      if (version.life === 'retired')
        return refused('conflict', `version ${String(version.version)} is retired`);
      return { kind: 'append', event: { ...base, kind: 'VersionResumed', body: {}, plan } };
    case 'record-birth': {
      if (version.life !== 'registered') return { kind: 'already' };
      const shadows = [...plan.shadows, version.version].sort((a, b) => a - b);
      const body = { position: command.position };
      return { kind: 'append', event: { ...base, kind: 'VersionBorn', body, plan: { ...plan, shadows } } };
    }
  }
}

function shardEvent(
  { spec, plan }: ModelState,
  command: Extract<Command, { kind: 'request-milestone' | 'reposition-shard' }>,
): EventDraft {
  const base = { model: spec.name, version: null, plan };
  return command.kind === 'request-milestone'
    ? { ...base, kind: 'MilestoneRequested', body: {} }
    : { ...base, kind: 'ShardRepositioned', body: { position: command.position } };
}

/**
 * Returns what a command adds to the log, given all that the log says. Pure: the same log and command give the same
 * decision whoever takes it.
 */
export function decide(directory: ModelDirectory, command: Command): Decision {
  const model = directory.get(command.model);
  if (command.kind === 'create-model') {
    if (model !== undefined) return refused('conflict', `model ${command.model} exists already`);
    const plan: TrafficPlan = {
      model: command.model,
      planVersion: 0,
      stable: null,
      candidate: null,
      candidateWeightBp: 0,
      shadows: [],
      salt: '',
    };
    return {
      kind: 'append',
      event: {
        model: command.model,
        kind: 'ModelCreated',
        version: null,
        body: { spec: command.spec },
        plan,
      },
    };
  }
  if (model === undefined) return refused('not-found', `model ${command.model} does not exist`);
  if (command.kind === 'register-version') return registerVersion(model, command);
  if (command.kind === 'set-traffic') {
    const planned = planTraffic(model, command.wanted, command.ifPlanVersion);
    if ('refusal' in planned) return { kind: 'refused', refusal: planned.refusal };
    return {
      kind: 'append',
      event: { model: command.model, kind: 'TrafficPlanned', version: null, body: {}, plan: planned.plan },
    };
  }
  if (command.kind === 'request-milestone' || command.kind === 'reposition-shard')
    return { kind: 'append', event: shardEvent(model, command) };
  const version = model.versions.find((known) => known.version === command.version);
  if (version === undefined)
    return refused('not-found', `model ${command.model} has no version ${String(command.version)}`);
  return changeVersion(model, version, command);
}
