import type { StreamEvidence } from '../../../shared/domain/rollout.ts';
import type { StateSection } from '../../../shared/domain/state-section.ts';
import { wholeSection } from '../../../shared/domain/state-section.ts';
import { KnownArms } from './known-arms.ts';
import { LastWindow } from './last-window.ts';
import { OutcomeTest } from './outcome-test.ts';
import { LAST_WINDOW_PAIRS } from './paired-stream.ts';
import type { Assigned } from './pair.ts';
import { RunningInterval } from './running-interval.ts';
import { packStates, unpackStates } from './state-pack.ts';

/**
 * Guards outcomes that only the answer given can have. Looks at examples with label 1 whose request was assigned by
 * chance, and takes what each says of its subject's arm beyond what was known. Never promotes.
 */
export class OutcomeGuard {
  readonly #test: OutcomeTest;
  readonly #arms = new KnownArms();
  readonly #running = new RunningInterval(1);
  readonly #last = new LastWindow(LAST_WINDOW_PAIRS);

  /** @param marginRate how much larger the candidate's rate may be, a factor less one */
  constructor(marginRate: number) {
    this.#test = new OutcomeTest(marginRate);
  }

  /** Takes one bad outcome. */
  take(assigned: Assigned): void {
    const probability = this.#arms.take(assigned);
    if (probability === null) return;
    const isCandidate = assigned.arm === 'candidate';
    this.#test.take(isCandidate, probability);
    this.#running.take(Number(isCandidate) - probability);
    this.#last.take(Number(isCandidate) - probability);
  }

  /**
   * Returns what a verdict shows of it; the estimate is the candidate's share of bad outcomes above its share of
   * subjects.
   */
  evidence(thresholdLogE: number, alpha: number): StreamEvidence {
    const { logE, maxLogE } = this.#test;
    return {
      name: 'outcome',
      role: 'guard',
      count: this.#running.count,
      estimate: this.#running.mean,
      interval: this.#running.interval(alpha),
      lastWindow: this.#last.mean,
      rollback: { logE, maxLogE, thresholdLogE },
      promote: null,
      examplesNeeded: null,
    };
  }

  sections(prefix: string): StateSection[] {
    return [wholeSection(`${prefix}/test`, () => packStates(this.#parts())), ...this.#arms.sections(prefix)];
  }

  /** Fills the guard from its sections; throws RangeError when a size differs. */
  restore(prefix: string, read: (name: string) => Uint8Array): void {
    unpackStates(this.#parts(), read(`${prefix}/test`));
    this.#arms.restore(prefix, read);
  }

  #parts(): Record<string, OutcomeTest | RunningInterval | LastWindow> {
    return { test: this.#test, running: this.#running, last: this.#last };
  }
}
