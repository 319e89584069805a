import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import { bytesOf, restoreBytes } from '../../../shared/domain/state-section.ts';
import { BettingProcess, logSum } from './betting-process.ts';
import { LOSS_GAP_MAX } from './differences.ts';
import { LastWindow } from './last-window.ts';
import { examplesNeeded, LAST_WINDOW_PAIRS } from './paired-stream.ts';
import type { PairedStreamSpec, Thresholds } from './paired-stream.ts';
import { RunningInterval } from './running-interval.ts';
import { packStates, unpackStates } from './state-pack.ts';

/** A difference of the loss beyond this, nats, is a disaster of the one or of the other; and no gain counts more. */
const DISASTER_NATS = 1;

const AT = { rollback: 0, promote: 1, size: 2 };

/**
 * How much more easily the half about the mean is shown than that about the rate when rolling back, as a factor of the
 * e-value. Whoever has no more disasters than the margin is still rolled back with a probability of at most the
 * stream's alpha; who has more of them and pays them back, of at most ten times that. Without it a candidate that is
 * twice too sure would answer more than twice as long.
 */
const LOG_PAYBACK_FACTOR = Math.log(10);

/** Margins of the two ways in which a tail is good enough. */
export interface TailMargins {
  /** How much more often a disaster may be the candidate's than the baseline's, share of pairs. */
  readonly rate: number;
  /** Rolls back when the mean difference, losses in full, is above this too, nats. */
  readonly rollbackNats: number;
  /** Promotes when the mean difference, losses in full, is below this, nats. */
  readonly promoteNats: number;
}

/**
 * What clipped losses hide. The tail is bad when disasters (unclipped losses more than 1 nat apart) are the candidate's
 * more often than the baseline's by a margin *and* are not paid back: the mean difference, what the candidate loses in
 * full and what it gains up to 1 nat, is above its margin too. Both are needed, because a sure candidate of a baseline
 * that answers about one half loses by more than 1 nat whenever it is wrong and can never win by as much, however good
 * it is. Gains are cut so that a bet on a loss risks little.
 *
 * Two processes look at each half. *Roll back* has H0 "one of the two is within its margin": under either half the lesser
 * of the two e-values is at most that half's, so it is the lesser that is held against the threshold. *Promote* has H0 "both are beyond
 * their margins", under which both are e-values, and so is their mean, whatever they have to do with each other (Vovk &
 * Wang 2021, proposition 3.1).
 */
export class TailStream {
  readonly spec: PairedStreamSpec;
  readonly #rollback: readonly [rate: BettingProcess, nats: BettingProcess];
  readonly #promote: readonly [rate: BettingProcess, nats: BettingProcess];
  readonly #running = new RunningInterval(LOSS_GAP_MAX);
  readonly #last = new LastWindow(LAST_WINDOW_PAIRS);
  /** Highest logarithms so far. */
  readonly #highest = new Float64Array(AT.size);

  constructor({ rate, rollbackNats, promoteNats }: TailMargins) {
    const bound = LOSS_GAP_MAX;
    this.spec = {
      name: 'tail',
      role: 'guard',
      bound,
      rollbackMargin: rollbackNats,
      promoteMargin: promoteNats,
    };
    const ofRate = Math.min(rate, 1 - 1e-9); // a rate is never above 1: a margin of all of it is never passed
    this.#rollback = [
      new BettingProcess({ bound: 1, margin: ofRate }),
      new BettingProcess({ bound, low: -DISASTER_NATS, margin: Math.min(rollbackNats, 1 - 1e-9) }),
    ];
    this.#promote = [
      new BettingProcess({ bound: 1, margin: -ofRate }),
      new BettingProcess({ bound: DISASTER_NATS, low: -bound, margin: -promoteNats }),
    ];
  }

  /**
   * Takes a pair.
   *
   * @param gapNats unclipped loss of the candidate less the baseline's
   */
  take(gapNats: number): void {
    const cut = Math.max(-DISASTER_NATS, gapNats);
    this.#take(gapNats, this.#rollback);
    this.#take(-gapNats, this.#promote);
    this.#running.take(cut);
    this.#last.take(cut);
    this.#note();
  }

  /** Takes the worst difference against promotion only: a pair of which nobody can say that the candidate is to blame. */
  takeUnscored(): void {
    this.#take(-this.spec.bound, this.#promote);
    this.#note();
  }

  get count(): number {
    return this.#running.count;
  }

  /** Returns what a verdict shows of the stream: the mean difference, losses in full, nats. */
  evidence({ rollbackLogE, promoteLogE }: Thresholds, alpha: number): StreamEvidence {
    const [maxRollback = 0, maxPromote = 0] = this.#highest;
    const growth = Math.max(...this.#promote.map((process) => process.growthPerExample));
    const [logE, maxLogE] = [this.#promoteLogE, maxPromote];
    return {
      name: this.spec.name,
      role: this.spec.role,
      count: this.count,
      estimate: this.#running.mean,
      interval: this.#running.interval(alpha),
      lastWindow: this.#last.mean,
      rollback: { logE: this.#rollbackLogE, maxLogE: maxRollback, thresholdLogE: rollbackLogE },
      promote: { logE, maxLogE, thresholdLogE: promoteLogE },
      examplesNeeded: examplesNeeded({ logE, maxLogE, growthPerExample: growth }, promoteLogE),
    };
  }

  bytes(): Uint8Array {
    return packStates(this.#parts());
  }

  /** Replaces the state by bytes that `bytes` once returned; throws RangeError when the sizes differ. */
  restore(bytes: Uint8Array): void {
    unpackStates(this.#parts(), bytes);
  }

  get #rollbackLogE(): number {
    const [rate, nats] = this.#rollback;
    return Math.min(rate.logE, nats.logE + LOG_PAYBACK_FACTOR);
  }

  get #promoteLogE(): number {
    const [rate, nats] = this.#promote;
    return logSum(rate.logE, nats.logE) - Math.LN2;
  }

  #take(gapNats: number, [rate, nats]: readonly [BettingProcess, BettingProcess]): void {
    rate.take(gapNats > DISASTER_NATS ? 1 : gapNats < -DISASTER_NATS ? -1 : 0);
    nats.take(gapNats);
  }

  #note(): void {
    const highest = this.#highest;
    highest[AT.rollback] = Math.max(highest[AT.rollback] ?? 0, this.#rollbackLogE);
    highest[AT.promote] = Math.max(highest[AT.promote] ?? 0, this.#promoteLogE);
  }

  #parts(): Parameters<typeof packStates>[0] {
    const highest = this.#highest;
    return {
      rollbackRate: this.#rollback[0],
      rollbackNats: this.#rollback[1],
      promoteRate: this.#promote[0],
      promoteNats: this.#promote[1],
      running: this.#running,
      last: this.#last,
      highest: {
        bytes: () => bytesOf(highest),
        restore: (bytes: Uint8Array, name: string) => {
          restoreBytes(highest, bytes, name);
        },
      },
    };
  }
}
