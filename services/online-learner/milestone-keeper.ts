import { messageOf } from '../../shared/errors.ts';
import type { KeptMilestone, MilestonePorts, MilestoneReason, MilestoneState } from './ports.ts';

/** Milestones made because so many events have passed that are kept; those made for another reason are kept for ever. */
const PERIODIC_KEPT = 2;

const RETRY_AFTER_MS = 1000;

/** What keeping milestones needs. */
export interface MilestoneKeeperDeps {
  readonly milestones: MilestonePorts;
  /** Copies the state as it is now. */
  readonly copy: () => MilestoneState;
  /** The milestones known so far, oldest first. */
  readonly kept: readonly KeptMilestone[];
  readonly onKept: (milestone: KeptMilestone) => void;
  readonly onFailure: (reason: string) => void;
}

/**
 * Writes milestones of one shard in the background, one at a time: the state is copied when it is asked for, and written while
 * the shard learns on. A failed write is repeated until it succeeds or the shard is let go.
 */
export class MilestoneKeeper {
  readonly #deps: MilestoneKeeperDeps;
  #kept: readonly KeptMilestone[];
  #waiting: { reason: MilestoneReason; state: MilestoneState } | undefined;
  #isWriting = false;
  #isStopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: MilestoneKeeperDeps) {
    this.#deps = deps;
    this.#kept = deps.kept;
  }

  /** All milestones that are on Kafka, oldest first. */
  get kept(): readonly KeptMilestone[] {
    return this.#kept;
  }

  /** Whether one is being written or waits to be. */
  get isBusy(): boolean {
    return this.#isWriting || this.#waiting !== undefined;
  }

  /** Copies the state now and keeps it. One that still waits is replaced: it was a moment ago. */
  keep(reason: MilestoneReason): void {
    this.#waiting = { reason, state: this.#deps.copy() };
    this.#next();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #next(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#isWriting || this.#isStopped) return;
    this.#waiting = undefined;
    this.#isWriting = true;
    this.#write(waiting.reason, waiting.state)
      .catch((error: unknown) => {
        this.#deps.onFailure(messageOf(error));
        this.#waiting ??= waiting;
        this.#timer = setTimeout(() => {
          this.#next();
        }, RETRY_AFTER_MS);
        return true;
      })
      .then((hasFailed) => {
        this.#isWriting = false;
        if (hasFailed !== true) this.#next();
      })
      .catch(() => undefined);
  }

  async #write(reason: MilestoneReason, state: MilestoneState): Promise<void> {
    const { milestones, onKept } = this.#deps;
    const milestone = await milestones.write(state, reason);
    const others = this.#kept.filter(({ position }) => position !== milestone.position);
    this.#kept = [...others, milestone];
    onKept(milestone);
    const periodic = this.#kept.filter((one) => one.reason === 'events');
    for (const old of periodic.slice(0, -PERIODIC_KEPT)) {
      await milestones.forget(old);
      this.#kept = this.#kept.filter((one) => one !== old);
    }
  }
}
