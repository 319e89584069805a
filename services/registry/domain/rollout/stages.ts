import { WHOLE_BP } from '../../../../shared/domain/assignment.ts';
import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import type { RolloutPolicy } from '../../../../shared/domain/rollout-policy.ts';
import type { RolloutPhase, RolloutState, VerdictEvidence } from '../../../../shared/domain/rollout.ts';
import { isSamePlan } from '../same-plan.ts';
import { planOf } from './plan-of.ts';
import type { RolloutContext, RolloutMove, RolloutOutcome } from './signals.ts';

const ROLLOUT_ID_MAX = 64;

/** What an event tells besides the rollout itself. */
export interface Told {
  readonly because: string;
  readonly evidence?: VerdictEvidence | null;
}

/** Everything that a decision about a rollout looks at. */
export interface RolloutMoment {
  readonly model: ModelState;
  readonly policy: RolloutPolicy;
  readonly context: RolloutContext;
}

/** Returns the id of a try of a version: the model's name is cut where 64 characters are too few. */
function rolloutIdOf(model: string, version: number, attempt: number): string {
  const tail = `/${String(version)}/${String(attempt)}`;
  return `${model.slice(0, ROLLOUT_ID_MAX - tail.length)}${tail}`;
}

/** Returns the event that leaves everything about a rollout but these fields, and its plan, as it was. */
export function changed(
  { model }: RolloutMoment,
  kind: RolloutMove['kind'],
  rollout: RolloutState,
  { because, evidence = null }: Told,
): RolloutOutcome {
  const { plan, queued } = model;
  const body = { rollout, queued, because, evidence, validation: null };
  return { kind: 'moved', moves: [{ kind, version: rollout.candidate, body, plan }] };
}

/** Where a rollout goes: its phase, and the live step in it. */
export interface Stage {
  readonly phase: RolloutPhase;
  readonly step: number;
}

/** Returns the stage that follows a stage under way. */
export function stageAfter({ phase, step }: Stage, policy: RolloutPolicy): Stage {
  if (phase === 'warming') return { phase: 'shadow', step };
  return step + 1 < policy.stepsBp.length ? { phase: 'canary', step: step + 1 } : { phase: 'full', step };
}

/** Returns what a stage is called in sentences. */
export function nameOf({ phase, step }: Stage, policy: RolloutPolicy): string {
  if (phase !== 'canary') return phase;
  return `${String(((policy.stepsBp[step] ?? 0) / WHOLE_BP) * 100)} % of the subjects`;
}

/** Returns the event with which a rollout enters another stage, together with the plan of that stage. */
export function entered(
  { model, policy, context }: RolloutMoment,
  kind: RolloutMove['kind'],
  from: RolloutState,
  to: Stage & Told,
): RolloutMove {
  const { nowMs, sequence, position } = context;
  const { phase, step, because, evidence = null } = to;
  const isLive = (one: Stage): boolean => one.phase === 'canary' || one.phase === 'full';
  const stage = { ...from, phase, step };
  const plan = phase === 'closed' ? model.plan : planOf(stage, model.plan, policy); // it may have been set by hand since
  const isSame = isSamePlan(plan, model.plan);
  const rollout: RolloutState = {
    ...stage,
    stage: from.stage + 1,
    pausedBecause: null,
    stageBeganAtMs: nowMs,
    appliedAtMs: isSame && from.appliedAtMs !== null ? nowMs : null,
    stagePlanVersion: isSame ? model.plan.planVersion : sequence,
    stagePosition: position,
    extendedMs: 0,
  };
  const validation = isLive(rollout) && !isLive(from) ? (evidence?.validation ?? null) : null;
  const body = { rollout, queued: model.queued, because, evidence, validation };
  return { kind, version: rollout.candidate, body, plan };
}

/**
 * Returns the event with which the try of a live version begins. A copy knows what its parent knows and a published file all that it
 * ever will: neither needs warming.
 */
export function begun({ model, policy, context }: RolloutMoment, version: number, why: string): RolloutMove {
  const { nowMs, sequence, position, triesOf } = context;
  const { plan: before, spec, versions } = model;
  const known = versions.find((one) => one.version === version);
  const stable = before.stable ?? version;
  const control = known?.twin?.role === 'candidate' ? known.twin.of : undefined;
  const isControlLive = versions.some((one) => one.version === control && one.life === 'live');
  const attempt = triesOf(version) + 1;
  const beginning = {
    rolloutId: rolloutIdOf(spec.name, version, attempt),
    candidate: version,
    stable,
    baseline: control !== undefined && isControlLive ? control : stable,
    attempt,
    phase: known?.mode === 'copy' || known?.mode === 'published' ? ('shadow' as const) : ('warming' as const),
    step: -1,
    stage: 0,
    pausedBecause: null,
    startedAtMs: nowMs,
    stageBeganAtMs: nowMs,
    appliedAtMs: null,
    startPosition: position,
    stagePosition: position,
    extendedMs: 0,
  };
  const plan = planOf(beginning, before, policy);
  const planVersion = isSamePlan(plan, before) ? before.planVersion : sequence;
  const rollout: RolloutState = {
    ...beginning,
    startPlanVersion: planVersion,
    stagePlanVersion: planVersion,
  };
  const tried = `version ${String(version)} is tried against version ${String(rollout.baseline)}`;
  const because = `${tried}, try ${String(attempt)} of ${String(policy.triesMax)}${why === '' ? '' : `: ${why}`}`;
  const queued = model.queued.filter((one) => one !== version);
  const body = { rollout, queued, because, evidence: null, validation: null };
  return { kind: 'RolloutStarted', version, body, plan };
}
