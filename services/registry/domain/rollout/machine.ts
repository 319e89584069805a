import type { ModelState } from '../../../../shared/domain/model-directory.ts';
import type { RolloutPolicy } from '../../../../shared/domain/rollout-policy.ts';
import { isUnderWay } from '../../../../shared/domain/rollout.ts';
import type { RolloutState } from '../../../../shared/domain/rollout.ts';
import { byCommand, startFault } from './commands.ts';
import type {
  HeardVerdict,
  IgnoredReason,
  RolloutContext,
  RolloutOutcome,
  RolloutSignal,
} from './signals.ts';
import { begun, changed, entered, nameOf, stageAfter } from './stages.ts';
import type { RolloutMoment, Told } from './stages.ts';
import { promotionWaits, spoken, verdictFault } from './waits.ts';

const ignored = (reason: IgnoredReason): RolloutOutcome => ({ kind: 'ignored', reason });

function rolledBack(moment: RolloutMoment, rollout: RolloutState, told: Told): RolloutOutcome {
  const to = { phase: 'rolledBack' as const, step: rollout.step, ...told };
  return { kind: 'moved', moves: [entered(moment, 'RolloutRolledBack', rollout, to)] };
}

/** Goes a stage further when nothing is waited for any more. */
function promotedIfDue(moment: RolloutMoment, rollout: RolloutState): RolloutOutcome {
  const { model, policy, context } = moment;
  if (promotionWaits(model, rollout, policy, context).length > 0) return ignored('not-yet');
  const to = stageAfter(rollout, policy);
  const evidence = context.newest?.evidence ?? null;
  const because = `from ${nameOf(rollout, policy)} to ${nameOf(to, policy)}: ${evidence?.because ?? ''}`;
  const told = { ...to, because, evidence };
  return { kind: 'moved', moves: [entered(moment, 'RolloutAdvanced', rollout, told)] };
}

function byVerdict(moment: RolloutMoment, verdict: HeardVerdict): RolloutOutcome {
  const { rollout } = moment.model;
  const fault = verdictFault(rollout, verdict);
  if (rollout === null || fault !== undefined) return ignored(fault ?? 'no-rollout');
  const { evidence, value } = verdict;
  if (value === 'rollback') return rolledBack(moment, rollout, { because: evidence.because, evidence });
  if (value === 'wait' || hasOutstayed(moment, rollout)) return ignored('not-yet');
  return promotedIfDue({ ...moment, context: { ...moment.context, newest: verdict } }, rollout);
}

/** Time never promotes what is past its longest stay. */
function hasOutstayed({ policy, context }: RolloutMoment, rollout: RolloutState): boolean {
  return context.nowMs - rollout.stageBeganAtMs > policy.holdMaxMs + rollout.extendedMs;
}

function pauseReason(moment: RolloutMoment, rollout: RolloutState): string | undefined {
  const { policy, context } = moment;
  const quietMs = context.nowMs - Math.max(context.heardAtMs, rollout.startedAtMs);
  if (quietMs > policy.monitorSilenceMaxMs)
    return `the monitor has said nothing for ${spoken(quietMs)}, allowed ${spoken(policy.monitorSilenceMaxMs)}`;
  if (!hasOutstayed(moment, rollout)) return undefined;
  const limit = spoken(policy.holdMaxMs + rollout.extendedMs);
  return `${nameOf(rollout, policy)} has taken longer than ${limit} without a decision`;
}

/** Begins the first queued version that can be tried; one that cannot leaves the queue, and the log says why. */
function nextInQueue(moment: RolloutMoment): RolloutOutcome {
  const { model } = moment;
  const [version, ...queued] = model.queued;
  if (version === undefined) return ignored('ended');
  const fault =
    model.plan.candidate === null
      ? startFault(moment, version)
      : { message: 'the traffic plan gives a version a share by hand' };
  if (fault === undefined) return { kind: 'moved', moves: [begun(moment, version, 'its turn in the queue')] };
  const because = `version ${String(version)} leaves the queue: ${fault.message}`;
  const body = { rollout: model.rollout, queued, because, evidence: null, validation: null };
  return { kind: 'moved', moves: [{ kind: 'RolloutQueued', version, body, plan: model.plan }] };
}

function byTime(moment: RolloutMoment): RolloutOutcome {
  const { model, policy, context } = moment;
  const { rollout } = model;
  if (rollout === null) return ignored('no-rollout');
  if (rollout.phase === 'full') {
    const { stageBeganAtMs, extendedMs, step } = rollout;
    const windowMs = policy.rollbackWindowMs + extendedMs;
    if (context.nowMs - stageBeganAtMs <= windowMs) return ignored('not-yet');
    const because = `the rollback window of ${spoken(windowMs)} is over`;
    return {
      kind: 'moved',
      moves: [entered(moment, 'RolloutClosed', rollout, { phase: 'closed', step, because })],
    };
  }
  if (!isUnderWay(rollout.phase)) return nextInQueue(moment);
  if (rollout.pausedBecause !== null) return ignored('not-yet');
  const because = pauseReason(moment, rollout);
  if (because !== undefined)
    return changed(moment, 'RolloutPaused', { ...rollout, pausedBecause: because }, { because });
  return promotedIfDue(moment, rollout);
}

function byAlarm(
  moment: RolloutMoment,
  { from, version, because }: Extract<RolloutSignal, { kind: 'alarm' }>,
): RolloutOutcome {
  const { rollout } = moment.model;
  if (rollout === null) return ignored('no-rollout');
  if (!isUnderWay(rollout.phase)) return ignored('ended');
  if (version !== rollout.candidate) return ignored('other-version');
  if (from === 'router' && rollout.phase !== 'canary') return ignored('no-traffic');
  return rolledBack(moment, rollout, { because });
}

function byApplication(moment: RolloutMoment, stage: number): RolloutOutcome {
  const { rollout } = moment.model;
  if (rollout === null) return ignored('no-rollout');
  if (!isUnderWay(rollout.phase)) return ignored('ended');
  if (stage !== rollout.stage) return ignored('other-stage');
  if (rollout.appliedAtMs !== null) return ignored('known');
  const because = `every live router has plan ${String(rollout.stagePlanVersion)}`;
  const applied = { ...rollout, appliedAtMs: moment.context.nowMs };
  return changed(moment, 'RolloutApplied', applied, { because });
}

/**
 * Returns what a signal does to a model's rollout. Pure: time, the log's next number and what was heard come in as values,
 * so the same log and signal decide alike whoever leads.
 *
 * The rules: a verdict moves the stage it speaks of and no other; more traffic needs a fresh promoting verdict with data
 * in it, the stage's plan on every live router and its hold since; a rollback waits for nothing, not even for a resume;
 * time pauses and never promotes what outstayed its limit; only a command leaves an end.
 */
export function nextRollout(
  model: ModelState,
  signal: RolloutSignal,
  policy: RolloutPolicy,
  context: RolloutContext,
): RolloutOutcome {
  const moment: RolloutMoment = { model, policy, context };
  switch (signal.kind) {
    case 'command':
      return byCommand(moment, signal.command, signal.why);
    case 'verdict':
      return byVerdict(moment, signal.verdict);
    case 'applied':
      return byApplication(moment, signal.stage);
    case 'alarm':
      return byAlarm(moment, signal);
    case 'time':
      return byTime(moment);
  }
}
