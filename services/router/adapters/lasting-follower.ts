import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../../shared/errors.ts';
import type { TopicFollower } from '../../../shared/kafka/topic-follower.ts';
import type { Log } from '../../../shared/observability/log.ts';

/** What following for ever needs. */
export interface LastingFollowerDeps {
  /** Name of the topic, for the log. */
  readonly what: string;
  /** Begins to follow from the topic's start: whoever folds must not mind reading it again. */
  readonly begin: (onFatal: (error: unknown) => void) => Promise<Pick<TopicFollower, 'caughtUp' | 'stop'>>;
  /** Called whenever everything that was on the topic when following began has been read. */
  readonly onCaughtUp: () => void;
  readonly log: Log;
  /** Time between a failure and beginning anew, ms. */
  readonly pauseMs?: number;
}

/** A topic that is followed for as long as the process lives. */
export interface LastingFollower {
  stop(): Promise<void>;
}

/**
 * Follows a topic and begins anew when following ends for good, while the process goes on with what it knows: a router
 * answers from memory whatever happens to Kafka. Does not wait for the first success.
 */
export function keepFollowing(deps: LastingFollowerDeps): LastingFollower {
  const { what, log } = deps;
  const stopping = new AbortController();
  const stopped = Promise.withResolvers<undefined>();

  async function followOnce(): Promise<void> {
    const ended = Promise.withResolvers<unknown>();
    const beginning = deps.begin(ended.resolve);
    const follower = await Promise.race([beginning, stopped.promise]);
    if (follower === undefined) {
      beginning.catch(() => undefined); // stopped before it began: nobody waits for it any more
      return;
    }
    void follower.caughtUp.then(deps.onCaughtUp);
    const error = await Promise.race([ended.promise, stopped.promise]);
    await follower.stop().catch((reason: unknown) => {
      log.debug({ what, reason: messageOf(reason) }, 'follower did not stop cleanly');
    });
    if (error !== undefined) throw error instanceof Error ? error : new Error(messageOf(error));
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await followOnce();
      } catch (error) {
        log.error({ what, reason: messageOf(error) }, 'following ended; beginning anew');
        await delay(deps.pauseMs ?? 1000, undefined, { signal: stopping.signal }).catch(() => undefined);
      }
    }
  }

  const following = follow();
  return {
    stop() {
      stopping.abort();
      stopped.resolve(undefined);
      return following;
    },
  };
}
