import type { ServedScore } from '../../../shared/domain/events.ts';
import type { RolloutGuards } from '../../../shared/domain/rollout-policy.ts';
import { pairScore } from './pair.ts';
import { PairedStream } from './paired-stream.ts';
import { RunTimes } from './run-times.ts';
import { SlownessThreshold } from './slowness-threshold.ts';
import { StalenessGuard } from './staleness-guard.ts';

/** One request as its prediction tells it. */
export interface JudgedRequest {
  /** What the versions made of it; undefined when the router had not loaded the version. */
  readonly candidate: ServedScore | undefined;
  readonly baseline: ServedScore | undefined;
  /** Age of the parameters when the candidate answered, ms; -1 when another answered or it is unknown. */
  readonly candidateAgeMs: number;
}

function guard(name: string, margin: number): PairedStream {
  return new PairedStream({ name, role: 'guard', bound: 1, rollbackMargin: margin, promoteMargin: null });
}

/**
 * The guards that need no label and look at every request: failure (failed by the candidate, less failed by the
 * baseline), slowness (the same of taking longer than the baseline's p99 of the previous window; failing counts as
 * slow) and staleness. A request that a router could not ask the candidate about, because it had not loaded it, is
 * left out. Requests that were scored in one run share its time, so a run is held against the threshold once: a single
 * pause would count as often as there were requests in it.
 */
export class RequestStreams {
  readonly streams: readonly PairedStream[];
  readonly staleness: StalenessGuard;
  readonly #failure: PairedStream;
  readonly #slowness: PairedStream;
  readonly #threshold = new SlownessThreshold();
  readonly #runs = new RunTimes();

  constructor(guards: RolloutGuards) {
    this.#failure = guard('failure', guards.failureMarginRate);
    this.#slowness = guard('slowness', guards.slownessMarginRate);
    this.staleness = new StalenessGuard(guards.stalenessMaxMs);
    this.streams = [this.#failure, this.#slowness];
  }

  take({ candidate, baseline, candidateAgeMs }: JudgedRequest): void {
    this.staleness.take(candidateAgeMs);
    if (candidate !== undefined) {
      const hasFailed = pairScore(candidate) === 'failed';
      const hasBaselineFailed = pairScore(baseline) === 'failed';
      this.#failure.take(Number(hasFailed) - Number(hasBaselineFailed));
      const limitMicros = this.#threshold.micros;
      const slow = this.#isSlow(candidate, hasFailed, limitMicros);
      const isBaselineSlow = baseline && this.#isSlow(baseline, hasBaselineFailed, limitMicros);
      const isNewRun = this.#runs.take(candidate.scoringMicros, baseline?.scoringMicros ?? -1);
      if (slow !== undefined && isBaselineSlow !== undefined && (isNewRun || hasFailed))
        this.#slowness.take(Number(slow) - Number(isBaselineSlow));
    }
    if (baseline !== undefined && baseline.scoringMicros >= 0) this.#threshold.take(baseline.scoringMicros);
  }

  /** Parts that are stored, in order. */
  parts(): Record<string, PairedStream | SlownessThreshold | StalenessGuard | RunTimes> {
    return {
      failure: this.#failure,
      slowness: this.#slowness,
      threshold: this.#threshold,
      runs: this.#runs,
      staleness: this.staleness,
    };
  }

  #isSlow(
    { scoringMicros }: ServedScore,
    hasFailed: boolean,
    limitMicros: number | null,
  ): boolean | undefined {
    if (limitMicros === null) return undefined;
    if (hasFailed) return true;
    return scoringMicros < 0 ? undefined : scoringMicros > limitMicros;
  }
}
