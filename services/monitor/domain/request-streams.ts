import type { ServedScore } from '../../../shared/domain/events.ts';
import type { RolloutGuards } from '../../../shared/domain/rollout-policy.ts';
import { LastRun } from './last-run.ts';
import { pairScore } from './pair.ts';
import { PairedStream } from './paired-stream.ts';
import { RunFailures } from './run-failures.ts';
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

const hasFailed = (score: ServedScore | undefined): boolean => pairScore(score) === 'failed';

/**
 * The guards that need no label and look at every request: failure (failed by the candidate, less failed by the
 * baseline, the mean over the rows of a run), slowness (the same of taking longer than the baseline's p99 of the previous
 * window, once a run; failing counts as slow) and staleness. A request that a router could not ask the candidate about, because it had not loaded it, is
 * left out.
 */
export class RequestStreams {
  readonly streams: readonly PairedStream[];
  readonly staleness: StalenessGuard;
  readonly #failure: PairedStream;
  readonly #slowness: PairedStream;
  readonly #threshold = new SlownessThreshold();
  readonly #lastRun = new LastRun();
  readonly #failures = new RunFailures();

  constructor(guards: RolloutGuards) {
    this.#failure = guard('failure', guards.failureMarginRate);
    this.#slowness = guard('slowness', guards.slownessMarginRate);
    this.staleness = new StalenessGuard(guards.stalenessMaxMs);
    this.streams = [this.#failure, this.#slowness];
  }

  /** Takes a request and returns whether it begins another scoring run than the one before. */
  take({ candidate, baseline, candidateAgeMs }: JudgedRequest): boolean {
    this.staleness.take(candidateAgeMs);
    const isNewRun = this.#lastRun.isNew(candidate?.scoringMicros ?? NaN, baseline?.scoringMicros ?? NaN);
    if (candidate !== undefined) {
      const difference = Number(hasFailed(candidate)) - Number(hasFailed(baseline));
      const ofRunBefore = this.#failures.take(difference, isNewRun);
      if (ofRunBefore !== undefined) this.#failure.take(ofRunBefore);
    }
    if (baseline === undefined || !isNewRun) return isNewRun;
    const slow = candidate && this.#isSlow(candidate);
    const isBaselineSlow = this.#isSlow(baseline);
    if (slow !== undefined && isBaselineSlow !== undefined)
      this.#slowness.take(Number(slow) - Number(isBaselineSlow));
    if (baseline.scoringMicros >= 0) this.#threshold.take(baseline.scoringMicros);
    return true;
  }

  /** Parts that are stored, in order. */
  parts(): Record<string, PairedStream | SlownessThreshold | StalenessGuard | LastRun | RunFailures> {
    return {
      failure: this.#failure,
      slowness: this.#slowness,
      threshold: this.#threshold,
      lastRun: this.#lastRun,
      failures: this.#failures,
      staleness: this.staleness,
    };
  }

  #isSlow(score: ServedScore): boolean | undefined {
    const limitMicros = this.#threshold.micros;
    if (limitMicros === null) return undefined;
    if (hasFailed(score)) return true;
    return score.scoringMicros < 0 ? undefined : score.scoringMicros > limitMicros;
  }
}
