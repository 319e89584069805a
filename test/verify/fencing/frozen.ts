import { setTimeout as pause } from 'node:timers/promises';
import type { Rng } from '../../../shared/domain/rng.ts';
import type { System } from '../../support/system.ts';
import { send } from '../model-runs/model-run.ts';
import type { ModelRun } from '../model-runs/model-run.ts';
import { untilOwned } from './learners.ts';

const BETWEEN_REQUESTS_MS = 20;
const EVENTS_PER_REQUEST = 10;

/** Sends events of a model until it is stopped. */
export function startSending(system: System, model: ModelRun): () => Promise<void> {
  const stopping = new AbortController();
  const sending = (async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await send(system, model, EVENTS_PER_REQUEST);
      await pause(BETWEEN_REQUESTS_MS);
    }
  })();
  sending.catch(() => undefined); // whoever stops it is told
  return async () => {
    stopping.abort();
    await sending;
  };
}

/**
 * Freezes the learner that has the model's shard (SIGSTOP) while events flow, waits until another one has taken it over and
 * gone on, and lets the frozen one wake up in the middle of whatever it was doing. Returns for how long it was frozen, ms.
 */
export async function freezeOwner(system: System, model: ModelRun, rng: Rng): Promise<number> {
  const { learner } = await untilOwned(system, model.name, {
    what: 'to have an owner',
    isReached: ({ state }) => state.versions.length > 0,
  });
  await pause(rng.int(500));
  const pid = learner.pid();
  if (pid === undefined) throw new TypeError('the owner has ended');
  process.kill(pid, 'SIGSTOP');
  const frozenMs = performance.now();
  try {
    const learnedBefore = model.sent;
    await untilOwned(system, model.name, {
      what: 'to be taken over from a frozen learner',
      isReached: ({ learner: owner, state }) =>
        owner !== learner && (state.versions[0]?.examplesLearned ?? 0) > learnedBefore,
    });
    await pause(rng.int(1000));
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  return performance.now() - frozenMs;
}
