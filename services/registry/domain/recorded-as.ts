import type { ModelVersionEventKind } from '../../../shared/domain/events.ts';
import type { Command } from './commands.ts';
import type { RolloutCommand } from './rollout/signals.ts';

const OF_ROLLOUTS: Readonly<Record<RolloutCommand['kind'], readonly ModelVersionEventKind[]>> = {
  start: ['RolloutStarted', 'RolloutQueued'],
  promote: ['RolloutAdvanced'],
  pause: ['RolloutPaused'],
  resume: ['RolloutResumed'],
  extend: ['RolloutExtended'],
  abort: ['RolloutAborted'],
  rollback: ['RolloutRolledBack'],
  undo: ['RolloutRolledBack'],
  close: ['RolloutClosed'],
};

const OF_OTHERS: Readonly<Record<Exclude<Command['kind'], 'rollout'>, ModelVersionEventKind>> = {
  'create-model': 'ModelCreated',
  'register-version': 'VersionRegistered',
  'publish-version': 'VersionBorn',
  'register-twin': 'VersionRegistered',
  'approve-version': 'VersionApproved',
  'retire-version': 'VersionRetired',
  'resume-version': 'VersionResumed',
  'request-milestone': 'MilestoneRequested',
  'reposition-shard': 'ShardRepositioned',
  'record-birth': 'VersionBorn',
  'set-traffic': 'TrafficPlanned',
};

/** Returns the kinds of event that answer a command: a repeated idempotency key must have led to one of them. */
export function recordedAs(command: Command): readonly ModelVersionEventKind[] {
  if (command.kind !== 'rollout') return [OF_OTHERS[command.kind]];
  const { signal } = command;
  return signal.kind === 'command' ? OF_ROLLOUTS[signal.command.kind] : [];
}
