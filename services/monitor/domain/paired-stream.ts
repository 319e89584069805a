import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { BettingProcess } from './betting-process.ts';
import { LastWindow } from './last-window.ts';
import { RunningInterval } from './running-interval.ts';
import { packStates, unpackStates } from './state-pack.ts';

/** Pairs of the last window. */
export const LAST_WINDOW_PAIRS = 256;

/** A margin of the whole bound, which no mean is above, is brought so little below it that no stream is long enough to show one. */
const NEVER = 1e-9;

/** What a stream of paired differences tests. */
export interface PairedStreamSpec {
  readonly name: string;
  readonly role: 'objective' | 'guard';
  /** Differences lie in [-bound, bound]. */
  readonly bound: number;
  /** Rolls back when the mean was at some time above this. */
  readonly rollbackMargin: number;
  /** Promotes when the mean was at some time below this; null when the stream cannot promote. */
  readonly promoteMargin: number | null;
}

/** What the logarithm of an e-value must reach, by direction. */
export interface Thresholds {
  readonly rollbackLogE: number;
  readonly promoteLogE: number;
}

/** Returns how many further examples a process likely needs to reach a threshold; null when it does not grow. */
export function examplesNeeded(
  { logE, maxLogE, growthPerExample }: Pick<BettingProcess, 'logE' | 'maxLogE' | 'growthPerExample'>,
  thresholdLogE: number,
): number | null {
  if (maxLogE >= thresholdLogE) return 0;
  const count = (thresholdLogE - logE) / growthPerExample;
  return growthPerExample > 0 && Number.isFinite(count) ? Math.ceil(count) : null;
}

/**
 * One stream of differences, candidate less baseline, tested in both directions: *roll back* has H0 "given the past
 * the mean is never above the rollback margin", *promote* has H0 "it is never below the promotion margin".
 */
export class PairedStream {
  readonly spec: PairedStreamSpec;
  readonly #rollback: BettingProcess;
  readonly #promote: BettingProcess | null;
  readonly #running: RunningInterval;
  readonly #last = new LastWindow(LAST_WINDOW_PAIRS);

  constructor(spec: PairedStreamSpec) {
    const { bound } = spec;
    const largest = bound * (1 - NEVER);
    const rollbackMargin = Math.min(spec.rollbackMargin, largest);
    const promoteMargin = spec.promoteMargin === null ? null : Math.min(spec.promoteMargin, largest);
    this.spec = spec;
    this.#rollback = new BettingProcess({ bound, margin: rollbackMargin });
    this.#promote = promoteMargin === null ? null : new BettingProcess({ bound, margin: -promoteMargin });
    this.#running = new RunningInterval(bound);
  }

  take(difference: number): void {
    const { bound } = this.spec;
    const clipped = Math.min(bound, Math.max(-bound, difference));
    this.#rollback.take(clipped);
    this.#promote?.take(-clipped);
    this.#running.take(clipped);
    this.#last.take(clipped);
  }

  /** Takes the worst difference against promotion only: a pair of which nobody can say that the candidate is to blame. */
  takeUnscored(): void {
    this.#promote?.take(-this.spec.bound);
  }

  get count(): number {
    return this.#running.count;
  }

  /** Mean of the last window; null before the first pair. */
  get lastWindow(): number | null {
    return this.#last.mean;
  }

  /** Whether the rollback process has ever reached a logarithm. */
  hasRolledBack(thresholdLogE: number): boolean {
    return this.#rollback.maxLogE >= thresholdLogE;
  }

  /** Returns what a verdict shows of the stream. */
  evidence({ rollbackLogE, promoteLogE }: Thresholds, alpha: number): StreamEvidence {
    const { name, role } = this.spec;
    const of = (process: BettingProcess, thresholdLogE: number): NonNullable<StreamEvidence['promote']> => ({
      logE: process.logE,
      maxLogE: process.maxLogE,
      thresholdLogE,
    });
    return {
      name,
      role,
      count: this.count,
      estimate: this.#running.mean,
      interval: this.#running.interval(alpha),
      lastWindow: this.lastWindow,
      rollback: of(this.#rollback, rollbackLogE),
      promote: this.#promote === null ? null : of(this.#promote, promoteLogE),
      examplesNeeded: this.#promote === null ? null : examplesNeeded(this.#promote, promoteLogE),
    };
  }

  bytes(): Uint8Array {
    return packStates(this.#parts());
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array): void {
    unpackStates(this.#parts(), bytes);
  }

  #parts(): Record<string, BettingProcess | RunningInterval | LastWindow> {
    const promote = this.#promote === null ? {} : { promote: this.#promote };
    return { rollback: this.#rollback, ...promote, running: this.#running, last: this.#last };
  }
}
