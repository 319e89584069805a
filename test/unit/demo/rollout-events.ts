import type { RolloutEvent } from '../../../deploy/demo/rollout-results.ts';
import type { RolloutPhase, RolloutState, VerdictEvidence } from '../../../shared/domain/rollout.ts';

const STARTED_AT_MS = 1_000_000;

/** Returns the evidence of a verdict, of which only the counts matter here. */
export function evidenceOf(requests: number, examples: number): VerdictEvidence {
  return {
    rolloutId: 'flights/2/1',
    stage: 0,
    because: 'it is shown',
    source: 'served',
    streams: [],
    examples,
    stageExamples: examples,
    requests,
    waiting: 0,
    maturity: 1,
    isLabelledOnly: false,
    examplesNeeded: null,
    waitMs: null,
    validation: null,
    positions: {},
  };
}

/** Returns an event of a rollout, some time after its beginning. */
export function rolloutEvent(
  kind: string,
  phase: RolloutPhase,
  {
    version = 2,
    afterMs = 0,
    because = 'because',
    evidence = null,
  }: { version?: number; afterMs?: number; because?: string; evidence?: VerdictEvidence | null } = {},
): RolloutEvent {
  const rollout: RolloutState = {
    rolloutId: `flights/${String(version)}/1`,
    candidate: version,
    stable: 1,
    baseline: 1,
    attempt: 1,
    phase,
    step: phase === 'canary' ? 0 : -1,
    stage: 0,
    pausedBecause: null,
    startedAtMs: STARTED_AT_MS,
    stageBeganAtMs: STARTED_AT_MS,
    appliedAtMs: null,
    startPlanVersion: 1,
    stagePlanVersion: 1,
    startPosition: 0,
    stagePosition: 0,
    extendedMs: 0,
  };
  const atMs = STARTED_AT_MS + afterMs;
  return { sequence: 1, kind, version, atMs, actor: 'monitor', body: { rollout, because, evidence } };
}
