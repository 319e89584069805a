import { isUnderWay } from '../../shared/domain/rollout.ts';
import type { RolloutPhase, RolloutState, VerdictEvidence } from '../../shared/domain/rollout.ts';

/** What the registry's history tells of one event of a rollout. */
export interface RolloutEvent {
  readonly sequence: number;
  /** RolloutStarted, RolloutAdvanced, …. */
  readonly kind: string;
  readonly version: number;
  readonly atMs: number;
  /** Who moved it: monitor, registry, or an operator. */
  readonly actor: string;
  readonly body: {
    readonly rollout: RolloutState;
    readonly because: string;
    readonly evidence: VerdictEvidence | null;
  };
}

/** How one version's rollout went. */
export interface RolloutResult {
  readonly version: number;
  /** `full` or `rolledBack`; where it stood when the flights ran out, where nothing was decided. */
  readonly outcome: RolloutPhase;
  readonly reason: string;
  /** Verdicts that the monitor published on it. */
  readonly verdicts: number;
  /** Predictions from its start to the decision, as the deciding verdict counts them; null where no verdict decided. */
  readonly requestsToDecision: number | null;
  /** Labelled examples whose label window had closed, in the deciding verdict. */
  readonly labelledToDecision: number | null;
  /** From the start to the decision, ms; null when nothing was decided. */
  readonly startToDecisionMs: number | null;
  /** From the first failed score of the version in its rollout, as it was logged, to the decision, ms; null when none failed. */
  readonly firstFailureToDecisionMs: number | null;
  /** Examples the version had learned when its rollout began, when it was decided, and at the demo's end. */
  readonly learnedBefore: number;
  readonly learnedAtDecision: number;
  readonly learnedAfter: number;
}

/** What is known of a rollout besides its events. */
export interface RolloutCounts {
  readonly verdicts: number;
  readonly firstFailureAtMs: number | null;
  readonly learnedBefore: number;
  readonly learnedAtDecision: number;
  readonly learnedAfter: number;
}

/** Returns the event that decided the rollout of a version: the first that ended it; undefined while it is under way. */
export function decisionOf(events: readonly RolloutEvent[], version: number): RolloutEvent | undefined {
  return events.find(
    ({ version: of, body }) =>
      of === version && body.rollout.candidate === version && !isUnderWay(body.rollout.phase),
  );
}

/** Returns how the rollout of a version went by the registry's history; undefined when it never began. */
export function resultOf(
  events: readonly RolloutEvent[],
  version: number,
  counts: RolloutCounts,
): RolloutResult | undefined {
  const own = events.filter(({ version: of, kind }) => of === version && kind !== 'RolloutQueued');
  const [started, newest] = [own[0], own.at(-1)];
  if (started === undefined || newest === undefined) return undefined;
  const decision = decisionOf(own, version);
  const { rollout, because, evidence } = (decision ?? newest).body;
  const { verdicts, firstFailureAtMs, learnedBefore, learnedAtDecision, learnedAfter } = counts;
  const since = (fromMs: number | null): number | null =>
    decision === undefined || fromMs === null || fromMs > decision.atMs ? null : decision.atMs - fromMs;
  return {
    version,
    outcome: rollout.phase,
    reason: because,
    verdicts,
    requestsToDecision: decision === undefined ? null : (evidence?.requests ?? null),
    labelledToDecision: decision === undefined ? null : (evidence?.examples ?? null),
    startToDecisionMs: since(started.atMs),
    firstFailureToDecisionMs: since(firstFailureAtMs),
    learnedBefore,
    learnedAtDecision,
    learnedAfter,
  };
}

const TITLES: Readonly<Record<string, string>> = {
  RolloutStarted: 'begins in shadow',
  RolloutAdvanced: 'goes on',
  RolloutRolledBack: 'rolled back',
  RolloutPaused: 'paused',
  RolloutResumed: 'goes on after a pause',
  RolloutReplaced: 'replaced',
  RolloutClosed: 'the way back is closed',
};

/** Returns the line of the timeline that tells an event, with the time since its rollout began; undefined for what need not be told. */
export function timelineLine({ kind, version, atMs, actor, body }: RolloutEvent): string | undefined {
  const title = TITLES[kind];
  if (title === undefined) return undefined;
  const { rollout, because } = body;
  const seconds = ((atMs - rollout.startedAtMs) / 1000).toFixed(1);
  return `  version ${String(version)}  ${seconds.padStart(5)} s  ${title}, by ${actor}: ${because}`;
}

/** Returns a table of how rollouts went, a line each. */
export function rolloutTable(rollouts: readonly RolloutResult[]): string[] {
  const columns = ['version', 'outcome', 'after', 'verdicts', 'requests', 'labelled', 'learned'];
  const text = (value: number | null): string => (value === null ? '–' : String(value));
  const rows = rollouts.map((one) => [
    String(one.version),
    one.outcome,
    one.startToDecisionMs === null ? '–' : `${(one.startToDecisionMs / 1000).toFixed(1)} s`,
    String(one.verdicts),
    text(one.requestsToDecision),
    text(one.labelledToDecision),
    `${String(one.learnedBefore)} → ${String(one.learnedAfter)}`,
  ]);
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((row) => row[at]?.length ?? 0)));
  return [columns, ...rows].map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
