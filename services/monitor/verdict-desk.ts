import type { Verdict } from '../../shared/domain/events.ts';
import { isUnderWay } from '../../shared/domain/rollout.ts';
import type { RolloutState } from '../../shared/domain/rollout.ts';
import type { ShardMonitor } from './domain/shard-monitor.ts';
import { verdictOf } from './domain/verdict-of.ts';

/** Least time between two verdicts that say the same, while evidence moves, ms. */
const MOVING_MS = 1000;
/** Most time between two verdicts: the sign that the monitor lives, ms. */
const ALIVE_MS = 5000;

interface Published {
  readonly rolloutId: string;
  readonly stage: number;
  readonly value: Verdict['value'];
  readonly atMs: number;
  /** What has been taken of the rollout, as one text. */
  readonly taken: string;
}

/** Says when a verdict of a shard is due. What it remembers is no state: after a restart it says the same once more. */
export interface VerdictDesk {
  /** Returns the verdict that is to be published now; undefined when none is. */
  due(model: string, monitor: ShardMonitor, rollout: RolloutState | null): Verdict | undefined;
  /** Returns the verdict as of now on the newest rollout; undefined when there is no evidence of it. */
  now(model: string, monitor: ShardMonitor, rollout: RolloutState | null): Verdict | undefined;
}

/** Returns a desk. `nowMs` is the clock of verdicts' times. */
export function createVerdictDesk(nowMs: () => number): VerdictDesk {
  const published = new Map<string, Published>();

  function judge(
    model: string,
    monitor: ShardMonitor,
    rollout: RolloutState,
  ): [Verdict['value'], () => Verdict] | undefined {
    const { rollout: evidence, positions } = monitor;
    if (evidence?.of.rolloutId !== rollout.rolloutId) return undefined;
    const judged = verdictOf(evidence, rollout);
    const record = (): Verdict => ({
      model,
      rolloutId: rollout.rolloutId,
      step: rollout.stage,
      planVersion: rollout.stagePlanVersion,
      candidate: rollout.candidate,
      value: judged.value,
      atMs: nowMs(),
      evidence: JSON.stringify(judged.evidence({ ...positions })),
    });
    return [judged.value, record];
  }

  return {
    due(model, monitor, rollout) {
      if (rollout === null || !isUnderWay(rollout.phase)) return undefined;
      const judged = judge(model, monitor, rollout);
      if (judged === undefined) return undefined;
      const [value, record] = judged;
      const { rolloutId, stage } = rollout;
      const evidence = monitor.rollout;
      const taken = [evidence?.requests, evidence?.examples, evidence?.waiting.size].join('/');
      const last = published.get(model);
      const sinceMs = nowMs() - (last?.atMs ?? -Infinity);
      const isNew = last?.rolloutId !== rolloutId || last.stage !== stage || last.value !== value;
      const isDue = isNew || sinceMs >= ALIVE_MS || (taken !== last.taken && sinceMs >= MOVING_MS);
      if (!isDue) return undefined;
      published.set(model, { rolloutId, stage, value, atMs: nowMs(), taken });
      return record();
    },
    now: (model, monitor, rollout) => (rollout === null ? undefined : judge(model, monitor, rollout)?.[1]()),
  };
}
