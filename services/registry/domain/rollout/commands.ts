import type { RolloutState } from '../../../../shared/domain/rollout.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';
import type { Refusal } from '../refusal.ts';
import type { RolloutCommand, RolloutOutcome } from './signals.ts';
import { begun, changed, entered, nameOf, stageAfter } from './stages.ts';
import type { RolloutMoment } from './stages.ts';
import { lacksApproval, spoken, verdictFault } from './waits.ts';

function refused(message: string, kind: Refusal['kind'] = 'conflict'): RolloutOutcome {
  return { kind: 'refused', refusal: { kind, message } };
}

const ALREADY: RolloutOutcome = { kind: 'already' };

/** Returns why a version cannot be tried; undefined when it can. */
export function startFault({ model, policy, context }: RolloutMoment, version: number): Refusal | undefined {
  const named = `version ${String(version)}`;
  const conflict = (message: string): Refusal => ({ kind: 'conflict', message });
  const known = model.versions.find((one) => one.version === version);
  if (known === undefined) return { kind: 'not-found', message: `model ${model.spec.name} has no ${named}` };
  if (known.life === 'retired') return conflict(`${named} is retired`);
  if (known.life === 'registered') return conflict(`${named} is not live yet, its learner has not begun`);
  if (model.plan.stable === null)
    return conflict('there is no stable version to try it against: set traffic to one first');
  if (model.plan.stable === version) return { kind: 'invalid', message: `${named} is the stable version` };
  const tries = context.triesOf(version);
  if (tries < policy.triesMax) return undefined;
  return conflict(
    `${named} was tried ${String(tries)} times, allowed rollout.triesMax ${String(policy.triesMax)}`,
  );
}

function start(moment: RolloutMoment, version: number, why: string): RolloutOutcome {
  const { model, policy, context } = moment;
  const { rollout, queued, plan } = model;
  const isBusy = rollout !== null && isUnderWay(rollout.phase);
  if ((isBusy && rollout.candidate === version) || queued.includes(version)) return ALREADY;
  const fault = startFault(moment, version);
  if (fault !== undefined) return { kind: 'refused', refusal: fault };
  if (isBusy && policy.onNewerCandidate === 'queue') {
    const because = `version ${String(version)} waits for the end of the rollout of version ${String(rollout.candidate)}`;
    const body = { rollout, queued: [...queued, version], because, evidence: null, validation: null };
    return { kind: 'moved', moves: [{ kind: 'RolloutQueued', version, body, plan }] };
  }
  if (!isBusy && plan.candidate !== null) {
    return refused(
      `the traffic plan gives version ${String(plan.candidate)} a share by hand: PUT …/traffic without a candidate first`,
    );
  }
  if (rollout === null || !(isBusy || rollout.phase === 'full'))
    return { kind: 'moved', moves: [begun(moment, version, why)] };
  const because = `version ${String(version)} takes its place`;
  const { step } = rollout;
  const ended = isBusy
    ? entered(moment, 'RolloutReplaced', rollout, { phase: 'replaced', step, because })
    : entered(moment, 'RolloutClosed', rollout, { phase: 'closed', step, because });
  const after: RolloutMoment = {
    ...moment,
    model: { ...model, rollout: ended.body.rollout, plan: ended.plan },
    context: { ...context, sequence: context.sequence + 1 },
  };
  return { kind: 'moved', moves: [ended, begun(after, version, why)] };
}

/** An operator may promote without evidence, never against it. */
function promote(
  moment: RolloutMoment,
  rollout: RolloutState,
  to: 'next' | 'full',
  why: string,
): RolloutOutcome {
  const { model, policy, context } = moment;
  if (rollout.phase === 'full') return ALREADY;
  if (rollout.pausedBecause !== null)
    return refused(`the rollout is paused because ${rollout.pausedBecause}: resume it first`);
  const next =
    to === 'full' ? { phase: 'full' as const, step: policy.stepsBp.length - 1 } : stageAfter(rollout, policy);
  const { newest } = context;
  const evidence = newest !== null && verdictFault(rollout, newest) === undefined ? newest.evidence : null;
  if (next.phase !== 'shadow' && lacksApproval(model, rollout.candidate, policy))
    return refused(`version ${String(rollout.candidate)} is not approved: approve it first`);
  const faults = rollout.phase === 'canary' ? [] : (evidence?.validation?.faults ?? []);
  if (next.phase !== 'shadow' && faults.length > 0)
    return refused(`the validation suite does not pass: ${faults.join('; ')}`);
  const because = `from ${nameOf(rollout, policy)} to ${nameOf(next, policy)} by command${why === '' ? '' : `: ${why}`}`;
  return {
    kind: 'moved',
    moves: [entered(moment, 'RolloutAdvanced', rollout, { ...next, because, evidence })],
  };
}

/** Gives everything back to the version that was stable before; the candidate learns on. */
function goBack(moment: RolloutMoment, rollout: RolloutState, because: string): RolloutOutcome {
  const { plan } = moment.model;
  if (rollout.phase === 'full' && (plan.stable !== rollout.candidate || plan.candidate !== null))
    return refused('traffic was set by hand since the rollout: set it by hand again');
  const to = { phase: 'rolledBack' as const, step: rollout.step, because };
  return { kind: 'moved', moves: [entered(moment, 'RolloutRolledBack', rollout, to)] };
}

function resume(moment: RolloutMoment, rollout: RolloutState, because: string): RolloutOutcome {
  if (rollout.pausedBecause === null) return ALREADY;
  const { policy, context } = moment;
  const limitMs = policy.holdMaxMs + rollout.extendedMs;
  const tookMs = context.nowMs - rollout.stageBeganAtMs;
  if (tookMs > limitMs)
    return refused(`its stage has taken ${spoken(tookMs)}, allowed ${spoken(limitMs)}: extend it first`);
  return changed(moment, 'RolloutResumed', { ...rollout, pausedBecause: null }, { because });
}

/** Returns what an operator's command does to a rollout: it is done, it is so already, or it does not fit and why. */
export function byCommand(moment: RolloutMoment, command: RolloutCommand, why: string): RolloutOutcome {
  if (command.kind === 'start') return start(moment, command.version, why);
  const { rollout } = moment.model;
  if (rollout === null) return refused('there was no rollout: start one first');
  const { phase, step, candidate } = rollout;
  const because = why === '' ? 'by command' : why;
  const isFull = phase === 'full';
  const ended = refused(`the rollout of version ${String(candidate)} has ended: it is ${phase}`);
  switch (command.kind) {
    case 'promote':
      return isUnderWay(phase) || isFull ? promote(moment, rollout, command.to, why) : ended;
    case 'pause':
      if (!isUnderWay(phase)) return ended;
      if (rollout.pausedBecause !== null) return ALREADY;
      return changed(moment, 'RolloutPaused', { ...rollout, pausedBecause: because }, { because });
    case 'resume':
      return isUnderWay(phase) ? resume(moment, rollout, because) : ended;
    case 'extend':
      if (!isUnderWay(phase) && !isFull) return ended;
      return changed(
        moment,
        'RolloutExtended',
        { ...rollout, extendedMs: rollout.extendedMs + command.byMs },
        { because: `${spoken(command.byMs)} more: ${because}` },
      );
    case 'abort':
      if (phase === 'aborted') return ALREADY;
      if (isFull) return refused(`version ${String(candidate)} is stable already: undo it instead`);
      if (!isUnderWay(phase)) return ended;
      return {
        kind: 'moved',
        moves: [entered(moment, 'RolloutAborted', rollout, { phase: 'aborted', step, because })],
      };
    case 'rollback':
      if (phase === 'rolledBack') return ALREADY;
      return isUnderWay(phase) || isFull ? goBack(moment, rollout, because) : ended;
    case 'undo':
      if (phase === 'rolledBack') return ALREADY;
      if (isUnderWay(phase)) return refused('it is not full yet: roll it back or abort it instead');
      return isFull ? goBack(moment, rollout, because) : ended;
    case 'close':
      if (phase === 'closed') return ALREADY;
      if (!isFull) return isUnderWay(phase) ? refused('it is not full yet') : ended;
      return {
        kind: 'moved',
        moves: [entered(moment, 'RolloutClosed', rollout, { phase: 'closed', step, because })],
      };
  }
}
