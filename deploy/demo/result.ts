import type { RolloutResult } from './rollout-results.ts';
import { rolloutTable } from './rollout-results.ts';

/** What the demo measured; the JSON file holds exactly this. */
export interface DemoResult {
  /** Training events on the log. */
  readonly events: number;
  readonly predictions: number;
  readonly failedRequests: number;
  /** The first failures, in words. */
  readonly failures: readonly string[];
  readonly labelsJoined: number;
  /** Examples learned beyond one an event id: 0 when none was learned twice. */
  readonly duplicatesLearned: number;
  /** Of version 1 over everything it learned, each example predicted before it was learned. */
  readonly progressiveLogLoss: number;
  /** Of predicting the running base rate on the same examples. */
  readonly baseRateLogLoss: number;
  /** From the acknowledgement of an event to the first answer that has learned it. */
  readonly freshnessMs: { readonly p50: number | null; readonly p99: number | null; readonly count: number };
  /** From SIGKILL of the learner to the first answer that has learned an event sent after it; process start included. */
  readonly recoveryMs: number | null;
  readonly versions: readonly {
    readonly version: number;
    readonly examplesLearned: number;
    readonly logLoss: number | null;
    readonly answered: number;
  }[];
  /** How the rollouts of versions 2, 3 and 4 went, as far as they began. */
  readonly rollouts: readonly RolloutResult[];
  /** Whether the flights ended before every rollout was decided. */
  readonly hasRunOut: boolean;
  /** First broken link of the version log's hash chain; null when it is whole. */
  readonly brokenLink: string | null;
  /** Greatest resident memory of each service, MB. */
  readonly rssMb: Readonly<Record<string, number>>;
  readonly stateDigest: string;
  readonly replayedStateDigest: string;
}

/** A router has two threads that speak Kafka, and room for requests that wait. */
const RSS_MAX_MB = 400;
/** From the first failed score of the version that throws to its being out, ms. */
const THROWING_MAX_MS = 1000;
const EXPECTED = new Map([
  [2, 'full'],
  [3, 'rolledBack'],
  [4, 'rolledBack'],
]);

function rolloutFaults({ rollouts, hasRunOut }: DemoResult): string[] {
  const faults = hasRunOut ? ['the flights ran out before every rollout was decided'] : [];
  for (const [version, expected] of EXPECTED) {
    const named = `version ${String(version)}`;
    const found = rollouts.find((one) => one.version === version);
    if (found === undefined) faults.push(`${named} was never tried`);
    else if (found.outcome !== expected)
      faults.push(`${named} is ${found.outcome}, not ${expected}: ${found.reason}`);
    else if (found.learnedAfter <= found.learnedAtDecision)
      faults.push(`${named} has learned nothing since its rollout was decided`);
  }
  const throwing = rollouts.find(({ version }) => version === 4);
  if (throwing?.outcome !== 'rolledBack') return faults;
  const { firstFailureToDecisionMs: tookMs } = throwing;
  if (tookMs === null) faults.push('version 4 was rolled back before it failed');
  else if (tookMs > THROWING_MAX_MS)
    faults.push(
      `version 4 was out ${String(tookMs)} ms after its first failure, allowed ${String(THROWING_MAX_MS)} ms`,
    );
  return faults;
}

/** Returns everything a result fails to show; empty when the demo proves what it says. */
export function faultsOf(result: DemoResult): string[] {
  const faults: string[] = [];
  if (result.failedRequests > 0)
    faults.push(`${String(result.failedRequests)} requests failed: ${result.failures.join('; ')}`);
  if (!(result.progressiveLogLoss < result.baseRateLogLoss))
    faults.push('the model is no better than the base rate');
  if (result.duplicatesLearned !== 0)
    faults.push(`${String(result.duplicatesLearned)} more examples learned than there are event ids`);
  if (result.labelsJoined === 0) faults.push('no label found its prediction');
  if (result.recoveryMs === null) faults.push('no answer came from weights learned after the kill');
  if (result.stateDigest !== result.replayedStateDigest) faults.push('the replay learned another state');
  faults.push(...rolloutFaults(result));
  if (result.brokenLink !== null) faults.push(`the version log's hash chain is broken: ${result.brokenLink}`);
  for (const [service, mb] of Object.entries(result.rssMb)) {
    if (mb > RSS_MAX_MB) faults.push(`${service} used ${String(mb)} MB, allowed ${String(RSS_MAX_MB)}`);
  }
  return faults;
}

/** Returns the closing summary, a line each. */
export function summaryOf(result: DemoResult): string[] {
  const { freshnessMs, versions } = result;
  const throwing = result.rollouts.find(({ version }) => version === 4);
  const ms = (value: number | null | undefined): string => `${String(value ?? '–')} ms`;
  const digests = result.stateDigest === result.replayedStateDigest ? 'identical' : 'DIFFERENT';
  return [
    `${String(result.events)} events learned, ${String(result.predictions)} predictions answered, ${String(result.failedRequests)} requests failed`,
    `${String(result.labelsJoined)} labels found their prediction; ${String(result.duplicatesLearned)} examples learned twice`,
    `progressive log-loss ${result.progressiveLogLoss.toFixed(4)} against ${result.baseRateLogLoss.toFixed(4)} of the running base rate`,
    `freshness, acknowledged to answered: p50 ${String(freshnessMs.p50)} ms, p99 ${String(freshnessMs.p99)} ms over ${String(freshnessMs.count)} timed events`,
    `learner killed with SIGKILL: answers that have learned what was sent afterwards came ${String(result.recoveryMs)} ms later`,
    `state after the kill and state learned again from the log without one: ${digests} (${result.stateDigest.slice(0, 16)}…)`,
    ...versions.map(
      ({ version, examplesLearned, logLoss, answered }) =>
        `version ${String(version)}: ${String(examplesLearned)} examples learned, log-loss ${logLoss === null ? '–' : logLoss.toFixed(4)}, ${String(answered)} answers`,
    ),
    `memory, greatest resident: ${Object.entries(result.rssMb)
      .map(([service, mb]) => `${service} ${String(mb)} MB`)
      .join(', ')}`,
    `version log: ${result.brokenLink === null ? 'its hash chain is whole' : `BROKEN: ${result.brokenLink}`}`,
    `version 4, which throws on some inputs, was out ${ms(throwing?.firstFailureToDecisionMs)} after its first failed score was logged, ${ms(throwing?.startToDecisionMs)} after its rollout began`,
    ...rolloutTable(result.rollouts),
  ];
}
