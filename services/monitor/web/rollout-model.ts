import type { ModelView } from '../domain/page/messages.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutState, StreamEvidence } from '../../../shared/domain/rollout.ts';
import type { Action } from './dialog.ts';
import { basisPoints } from './format.ts';
import { isOpen } from './roles.ts';

/** A stage of the rail: where a rollout has been, is, and may come to. */
export interface RailStage {
  readonly name: string;
  readonly state: 'done' | 'now' | 'ahead' | 'ended';
}

/** Returns the stages of a rollout, in order. */
export function railOf(
  rollout: RolloutState,
  policy: RolloutPolicy,
  isWarmingNeeded: boolean,
): readonly RailStage[] {
  const names = [
    ...(isWarmingNeeded || rollout.phase === 'warming' ? ['warming'] : []),
    'shadow',
    ...policy.stepsBp.map(basisPoints),
    'full',
  ];
  const first = names.indexOf('shadow');
  const { phase, step } = rollout;
  const at = ((): number => {
    if (phase === 'warming') return 0;
    if (phase === 'shadow') return first;
    if (phase === 'full' || phase === 'closed') return names.length - 1;
    return first + 1 + step; // canary, and where an ended one was
  })();
  const isEnded = !isOpen(phase) && phase !== 'full' && phase !== 'closed';
  return names.map((name, index) => ({
    name,
    state:
      index < at || phase === 'closed'
        ? 'done'
        : index > at
          ? 'ahead'
          : isEnded
            ? 'ended'
            : phase === 'full'
              ? 'done'
              : 'now',
  }));
}

/** How a gate stands. */
export type GateState = 'against' | 'shown' | 'open' | 'clear';

/** Returns how a gate stands: shown to be bad, shown to be good, still open, or a guard that nothing speaks against. */
export function gateState({ rollback, promote }: StreamEvidence): GateState {
  if (rollback !== null && rollback.maxLogE >= rollback.thresholdLogE) return 'against';
  if (promote === null) return 'clear';
  return promote.maxLogE >= promote.thresholdLogE ? 'shown' : 'open';
}

/** Returns how far the evidence of one direction has come, [0, 1]. */
export function progressOf(direction: StreamEvidence['promote']): number {
  if (direction === null || direction.thresholdLogE <= 0) return 0;
  return Math.max(0, Math.min(1, direction.maxLogE / direction.thresholdLogE));
}

/** Returns the margins of a stream, in its own unit; null where it has none of a kind. */
export function marginsOf(
  name: string,
  { objectives, guards }: RolloutPolicy,
): { promote: number | null; rollback: number | null } {
  switch (name) {
    case 'loss':
    case 'tail': // its difference is one of the loss, too
      return { promote: objectives.loss.promoteMarginNats, rollback: objectives.loss.rollbackMarginNats };
    case 'accuracy':
    case 'precision':
    case 'recall': {
      const margin = objectives[name]?.marginRate ?? null;
      return { promote: margin, rollback: margin };
    }
    case 'failure':
      return { promote: null, rollback: guards.failureMarginRate };
    case 'slowness':
      return { promote: null, rollback: guards.slownessMarginRate };
    case 'calibration':
      return { promote: null, rollback: guards.calibrationMarginRate };
    case 'outcome':
      return { promote: null, rollback: guards.badOutcomeMarginRate };
    default:
      return { promote: null, rollback: null };
  }
}

/** Returns what an operator may have done to a rollout as it stands. */
export function actionsOf(model: string, rollout: RolloutState | null): readonly Action[] {
  if (rollout === null) return [];
  const base = `/registry/v1/models/${encodeURIComponent(model)}/rollout`;
  const name = `v${String(rollout.candidate)}`;
  const act = (verb: string, path: string, about: string, more: Partial<Action> = {}): Action => ({
    verb,
    about,
    path: `${base}/${path}`,
    hasKey: true,
    ...more,
  });
  const back = act(
    'Roll back',
    'rollback',
    `Stable gets everything back at once; ${name} learns on and can be tried again.`,
    { isDangerous: true },
  );
  if (isOpen(rollout.phase)) {
    const isPaused = rollout.pausedBecause !== null;
    return [
      ...(isPaused
        ? [act('Resume', 'resume', `${name} goes on where it is, by evidence.`)]
        : [
            act('Promote', 'promote', `${name} goes one stage further without waiting for evidence.`, {
              more: { to: 'next' },
            }),
            act(
              'Promote to full',
              'promote',
              `${name} becomes stable at once, without waiting for evidence.`,
              { more: { to: 'full' } },
            ),
            act('Pause', 'pause', `${name} stays where it is; evidence can still roll it back.`),
          ]),
      back,
      act('Abort', 'abort', `The rollout of ${name} ends; stable gets everything back.`, {
        isDangerous: true,
      }),
    ];
  }
  if (rollout.phase === 'full')
    return [
      act('Undo', 'undo', `Back to v${String(rollout.stable)}, which has gone on learning.`, {
        isDangerous: true,
      }),
      act('Close', 'close', `The way back to v${String(rollout.stable)} is given up before its time.`),
    ];
  return [];
}

/** Returns versions that a rollout may begin with: living ones other than stable. */
export function startable({ versions, traffic, rollout }: ModelView): readonly number[] {
  if (rollout !== null && (isOpen(rollout.phase) || rollout.phase === 'full')) return [];
  return versions
    .filter(({ life, version }) => life === 'live' && version !== traffic.stable)
    .map(({ version }) => version);
}
