import { waitUntil } from '../../../deploy/local/wait-until.ts';
import type { ServiceProcess } from '../../../deploy/fleet/fleet.ts';
import type { LearnerState } from '../../support/small-model.ts';
import type { System } from '../../support/system.ts';

const ANSWER_LIMIT_MS = 1000;

/** What one learner says of a model whose shard it has. */
export interface OwnedShard {
  readonly learner: ServiceProcess;
  readonly state: LearnerState;
}

/** Returns what every learner that answers says of a model it has; a frozen one does not answer. */
export async function ownersOf(system: System, model: string): Promise<OwnedShard[]> {
  const learners = system.fleet.all.filter((one) => one.name === 'online-learner' && one.isRunning());
  const answers = await Promise.all(
    learners.map(async (learner): Promise<OwnedShard | undefined> => {
      try {
        const answer = await fetch(`${learner.url}/v1/models/${model}/state`, {
          signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
        });
        const [state] = ((await answer.json()) as { shards?: LearnerState[] }).shards ?? [];
        return answer.status === 200 && state !== undefined ? { learner, state } : undefined;
      } catch {
        return undefined;
      }
    }),
  );
  return answers.filter((one) => one !== undefined);
}

/** Waits until exactly one learner has the model's shard, and `isReached` holds of it; returns it. */
export async function untilOwned(
  system: System,
  model: string,
  {
    what,
    isReached,
    limitMs = 90_000,
  }: {
    readonly what: string;
    readonly isReached: (owned: OwnedShard) => boolean;
    readonly limitMs?: number;
  },
): Promise<OwnedShard> {
  return waitUntil(
    async () => {
      const owners = await ownersOf(system, model);
      const [owner] = owners;
      if (owner === undefined || owners.length > 1 || !isReached(owner)) {
        const seen = owners.map(
          ({ learner, state }) =>
            `${learner.url} at ${String(state.position)}, ${String(state.versions[0]?.examplesLearned)} learned`,
        );
        throw new Error(seen.length === 0 ? 'nobody has it' : seen.join(' and '));
      }
      return owner;
    },
    { what: `${model} ${what}`, limitMs, everyMs: 100 },
  );
}
