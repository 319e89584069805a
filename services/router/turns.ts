/** Lets so much work be in hand at a time; the rest waits in the order in which it came. */
export interface Turns {
  /**
   * Returns at once, or resolves with true, when the work may begin; whoever asked calls `leave` with the same weight once then. Work that is
   * heavier than all that may be in hand begins when nothing else is. Resolves with false when its turn has come too late.
   */
  enter(weight: number): Promise<boolean> | undefined;
  readonly leave: (weight: number) => void;
  /** Returns the longest that work has waited since the last call, ms, what still waits included. */
  takeLongestWaitMs(): number;
}

interface Waiting {
  readonly weight: number;
  readonly sinceMs: number;
  readonly end: (mayBegin: boolean) => void;
}

/** However long they have waited, so many are not sent away: a pause of the machine must not refuse anybody who is one of a few. */
const KEPT = 64;

/** What turns need. */
export interface TurnsDeps {
  /** Most that may be in hand. */
  readonly weightMax: number;
  /** How long work may wait, ms, before its turn is too late; the last 64 may wait longer. */
  readonly waitMaxMs: number;
  /** Monotonic clock, ms. */
  readonly monotonicMs: () => number;
}

/** Returns turns of which none is taken. */
export function createTurns({ weightMax, waitMaxMs, monotonicMs }: TurnsDeps): Turns {
  let inHand = 0;
  let longestMs = 0;
  let head = 0;
  let waiting: Waiting[] = [];

  const fits = (weight: number): boolean => inHand === 0 || inHand + weight <= weightMax;

  function beginNext(): void {
    for (let next = waiting[head]; next !== undefined; next = waiting[head]) {
      const waitedMs = monotonicMs() - next.sinceMs;
      const isLate = waitedMs > waitMaxMs && waiting.length - head > KEPT;
      if (!isLate && !fits(next.weight)) break;
      head += 1;
      longestMs = Math.max(longestMs, waitedMs);
      if (!isLate) inHand += next.weight;
      next.end(!isLate);
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
        waiting.push({ weight, sinceMs: monotonicMs(), end: resolve });
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
