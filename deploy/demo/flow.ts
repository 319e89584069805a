import type { Action } from './actions.ts';
import type { Traffic } from './traffic.ts';

/** Traffic that flows by itself while something else is done. */
export interface Flow {
  /** Lets traffic flow until the work is done, and returns what the work returned. */
  during<T>(work: () => Promise<T>): Promise<T>;
  /** Whether every flight has departed and landed. */
  hasEnded(): boolean;
  /** Lives through what is left. */
  finish(): Promise<void>;
}

/** Returns the flow of actions in the order of their event time. */
export function createFlow(traffic: Pick<Traffic, 'live'>, actions: readonly Action[]): Flow {
  let lived = 0;

  async function flow(isEnough: () => boolean): Promise<void> {
    lived += await traffic.live(actions.slice(lived), isEnough);
  }

  return {
    async during(work) {
      let isDone = false;
      const flowing = flow(() => isDone);
      flowing.catch(() => undefined); // told below
      try {
        return await work();
      } finally {
        isDone = true;
        await flowing;
      }
    },
    hasEnded: () => lived >= actions.length,
    finish: () => flow(() => false),
  };
}
