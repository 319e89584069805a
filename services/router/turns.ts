/** Lets so much work be in hand at a time; the rest waits in the order in which it came. */
export interface Turns {
  /**
   * Returns at once, or resolves, when the work may begin; whoever asked calls `leave` with the same weight once. Work that is heavier than all
   * that may be in hand begins when nothing else is.
   */
  enter(weight: number): Promise<void> | undefined;
  readonly leave: (weight: number) => void;
  /** Returns the longest that work has waited since the last call, ms, what still waits included. */
  takeLongestWaitMs(): number;
}

interface Waiting {
  readonly weight: number;
  readonly sinceMs: number;
  readonly begin: () => void;
}

/**
 * Returns turns of at most `weightMax` in hand.
 *
 * @param monotonicMs monotonic clock, ms
 */
export function createTurns(weightMax: number, monotonicMs: () => number): Turns {
  let inHand = 0;
  let longestMs = 0;
  let head = 0;
  let waiting: Waiting[] = [];

  const fits = (weight: number): boolean => inHand === 0 || inHand + weight <= weightMax;

  function beginNext(): void {
    for (let next = waiting[head]; next !== undefined && fits(next.weight); next = waiting[head]) {
      head += 1;
      inHand += next.weight;
      longestMs = Math.max(longestMs, monotonicMs() - next.sinceMs);
      next.begin();
    }
    if (head === waiting.length) waiting = [];
    else if (head > 1024) waiting = waiting.slice(head);
    else return;
    head = 0;
  }

  return {
    enter(weight) {
      if (head === waiting.length && fits(weight)) {
        inHand += weight;
        return undefined;
      }
      return new Promise((resolve) => {
        waiting.push({ weight, sinceMs: monotonicMs(), begin: resolve });
      });
    },
    leave(weight) {
      inHand -= weight;
      beginNext();
    },
    takeLongestWaitMs() {
      const first = waiting[head];
      const waitedMs = Math.max(longestMs, first === undefined ? 0 : monotonicMs() - first.sinceMs);
      longestMs = 0;
      return waitedMs;
    },
  };
}
