import { livingVersions } from '../../../shared/domain/model-directory.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';
import type { Command } from './commands.ts';
import type { Decision, EventDraft } from './decision.ts';
import { refused } from './decision.ts';

/** The most versions of a model that may live at a time. */
export const LIVE_VERSIONS_MAX = 4;

function roomFault(model: ModelState, wanted: number): Decision | undefined {
  const living = livingVersions(model).length;
  if (living + wanted <= LIVE_VERSIONS_MAX) return undefined;
  const more = wanted === 1 ? '' : `, ${String(wanted)} more are wanted`;
  const first = wanted === 1 ? 'retire one first' : 'retire some first';
  return refused(
    'conflict',
    `model ${model.spec.name} has ${String(living)} live versions${more}, at most ${String(LIVE_VERSIONS_MAX)}; ${first}`,
  );
}

/** Returns why a version cannot be copied with these settings; undefined when it can. */
function copyFault(
  model: ModelState,
  parent: number | null,
  learner: LearnerConfig,
  mayBeRetired: boolean,
): Decision | undefined {
  const source = model.versions.find(({ version }) => version === parent);
  if (source === undefined)
    return refused('not-found', `model ${model.spec.name} has no version ${String(parent)} to copy`);
  if (source.mode === 'published')
    return refused('conflict', `version ${String(parent)} is a published file and cannot be copied`);
  if (source.life === 'retired' && !mayBeRetired)
    return refused('conflict', `version ${String(parent)} is retired and cannot be copied`);
  if (source.learner.tableBits === learner.tableBits) return undefined;
  return refused(
    'invalid',
    `learner.tableBits ${String(learner.tableBits)}, allowed ${String(source.learner.tableBits)} as its parent's`,
  );
}

const nextNumber = (model: ModelState): number => (model.versions.at(-1)?.version ?? 0) + 1;

/** Returns what registering a version adds to the log. */
export function registerVersion(
  model: ModelState,
  command: Extract<Command, { kind: 'register-version' }>,
): Decision {
  const { mode, learner, startPosition } = command;
  const isCopy = mode === 'copy' || mode === 'milestone';
  const parent = isCopy ? (command.parent ?? model.plan.stable) : null;
  const fault =
    roomFault(model, 1) ?? (isCopy ? copyFault(model, parent, learner, mode === 'milestone') : undefined);
  if (fault !== undefined) return fault;
  const body = { parent, mode, learner, startPosition };
  const event: EventDraft = {
    model: model.spec.name,
    kind: 'VersionRegistered',
    version: nextNumber(model),
    body,
    plan: model.plan,
  };
  return { kind: 'append', events: [event] };
}

/**
 * Returns what publishing a file adds to the log: it is registered and, having nothing to learn, live, in one transaction.
 */
export function publishVersion(
  model: ModelState,
  command: Extract<Command, { kind: 'publish-version' }>,
): Decision {
  const fault = roomFault(model, 1);
  if (fault !== undefined) return fault;
  const { published, position } = command;
  const { plan, spec } = model;
  const version = nextNumber(model);
  const base = { model: spec.name, version };
  const shadows = [...plan.shadows, version].sort((a, b) => a - b);
  const body = {
    parent: null,
    mode: 'published',
    learner: spec.learner,
    startPosition: position,
    published,
  } as const;
  return {
    kind: 'append',
    events: [
      { ...base, kind: 'VersionRegistered', body, plan },
      { ...base, kind: 'VersionBorn', body: { position }, plan: { ...plan, shadows } },
    ],
  };
}

/**
 * Returns what a twin fork adds to the log: a control with the parent's settings and a candidate with the changed ones, in
 * one transaction, so that the learner brings both to life from the same bytes at the same position.
 */
export function registerTwin(
  model: ModelState,
  command: Extract<Command, { kind: 'register-twin' }>,
): Decision {
  const { learner, startPosition } = command;
  const parent = command.parent ?? model.plan.stable;
  const fault = roomFault(model, 2) ?? copyFault(model, parent, learner, false);
  if (fault !== undefined) return fault;
  const same = model.versions.find(({ version }) => version === parent)?.learner ?? learner;
  const control = nextNumber(model);
  const candidate = control + 1;
  const base = {
    model: model.spec.name,
    kind: 'VersionRegistered',
    plan: model.plan,
  } as const;
  const body = { parent, mode: 'copy', startPosition } as const;
  return {
    kind: 'append',
    events: [
      {
        ...base,
        version: control,
        body: { ...body, learner: same, twin: { role: 'control', of: candidate } },
      },
      { ...base, version: candidate, body: { ...body, learner, twin: { role: 'candidate', of: control } } },
    ],
  };
}
