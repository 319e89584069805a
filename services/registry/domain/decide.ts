import type { TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelDirectory, ModelState, VersionState } from '../../../shared/domain/model-directory.ts';
import { rolloutPolicyOf } from '../../../shared/domain/model-spec.ts';
import type { Command } from './commands.ts';
import { refused } from './decision.ts';
import type { Decision, EventDraft, Moment } from './decision.ts';
import { planTraffic } from './plan-traffic.ts';
import { publishVersion, registerTwin, registerVersion } from './register.ts';
import { retireFault, trafficFault } from './rollout/held-versions.ts';
import { nextRollout } from './rollout/machine.ts';

function appended(event: EventDraft): Decision {
  return { kind: 'append', events: [event] };
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
      return appended({ ...base, kind: 'VersionApproved', body: {}, plan });
    case 'retire-version': {
      if (version.life === 'retired') return { kind: 'already' };
      const held = retireFault(model, version.version);
      if (held !== undefined) return refused('conflict', held);
      if (plan.stable === version.version || plan.candidate === version.version) {
        return refused(
          'conflict',
          `version ${String(version.version)} has traffic; give it to another version first`,
        );
      }
      return appended({
        ...base,
        kind: 'VersionRetired',
        body: {},
        plan: withoutShadow(plan, version.version),
      });
    }
    case 'resume-version':
      if (version.life === 'retired')
        return refused('conflict', `version ${String(version.version)} is retired`);
      if (version.mode === 'published')
        return refused('conflict', `version ${String(version.version)} is a published file and never learns`);
      return appended({ ...base, kind: 'VersionResumed', body: {}, plan });
    case 'record-birth': {
      if (version.life !== 'registered') return { kind: 'already' };
      const shadows = [...plan.shadows, version.version].sort((a, b) => a - b);
      const body = { position: command.position };
      return appended({ ...base, kind: 'VersionBorn', body, plan: { ...plan, shadows } });
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

function moveRollout(
  model: ModelState,
  { signal, heard }: Extract<Command, { kind: 'rollout' }>,
  moment: Moment,
): Decision {
  const outcome = nextRollout(model, signal, rolloutPolicyOf(model.spec), { ...moment, ...heard });
  if (outcome.kind !== 'moved') return outcome;
  const events = outcome.moves.map((move): EventDraft => ({ ...move, model: model.spec.name }));
  return { kind: 'append', events };
}

function setTraffic(model: ModelState, command: Extract<Command, { kind: 'set-traffic' }>): Decision {
  const held = trafficFault(model);
  if (held !== undefined) return refused('conflict', held);
  const planned = planTraffic(model, command.wanted, command.ifPlanVersion);
  if ('refusal' in planned) return { kind: 'refused', refusal: planned.refusal };
  return appended({
    model: command.model,
    kind: 'TrafficPlanned',
    version: null,
    body: {},
    plan: planned.plan,
  });
}

/**
 * Returns what a command adds to the log, given all that the log says. Pure: the same log, command and moment give the
 * same decision whoever takes it.
 */
export function decide(directory: ModelDirectory, command: Command, moment: Moment): Decision {
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
    const { model: name, spec } = command;
    return appended({ model: name, kind: 'ModelCreated', version: null, body: { spec }, plan });
  }
  if (model === undefined) return refused('not-found', `model ${command.model} does not exist`);
  if (command.kind === 'register-version') return registerVersion(model, command);
  if (command.kind === 'publish-version') return publishVersion(model, command);
  if (command.kind === 'register-twin') return registerTwin(model, command);
  if (command.kind === 'rollout') return moveRollout(model, command, moment);
  if (command.kind === 'set-traffic') return setTraffic(model, command);
  if (command.kind === 'request-milestone' || command.kind === 'reposition-shard')
    return appended(shardEvent(model, command));
  const version = model.versions.find((known) => known.version === command.version);
  if (version === undefined)
    return refused('not-found', `model ${command.model} has no version ${String(command.version)}`);
  return changeVersion(model, version, command);
}
