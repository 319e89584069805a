import type { RouterStatus, Snapshot, Verdict } from '../../../shared/domain/events.ts';
import type { TopicName } from '../../../shared/events/topics.ts';
import type { Codec } from '../../../shared/events/codec.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { TopicFollower, TopicFollowerDeps } from '../../../shared/kafka/topic-follower.ts';
import type { Log } from '../ports.ts';

/**
 * How far back a new leader reads verdicts, ms. The monitor repeats its newest word every five seconds for as long as a rollout
 * is under way, and the topic keeps thirty days.
 */
const VERDICTS_BACK_MS = 3_600_000;

/** Who is told what. */
export interface LeaderFeedsDeps {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly onFatal: (error: unknown) => void;
  /** Tells whether a version is registered and not yet known to be born. */
  readonly isAwaited: (model: string, version: number) => boolean;
  readonly onFirstSnapshot: (snapshot: Snapshot) => void;
  /** @param isPast whether the record was on the topic before this leader began */
  readonly onVerdict: (verdict: Verdict, isPast: boolean) => void;
  readonly onRouter: (router: string, status: RouterStatus | null, isPast: boolean) => void;
}

/** What a leader listens to. */
export interface LeaderFeeds {
  /** Resolves when everything that was said before has been heard. */
  readonly caughtUp: Promise<unknown>;
  stop(): Promise<void>;
}

/** Follows what the leader decides on: first snapshots of registered versions, verdicts, and what routers have. */
export async function followLeaderFeeds(deps: LeaderFeedsDeps): Promise<LeaderFeeds> {
  const { kafka, codec, log, onFatal } = deps;
  const followers: TopicFollower[] = [];
  const follow = async <Topic extends TopicName>(
    topic: Topic,
    wanted: Pick<TopicFollowerDeps<Topic>, 'wants' | 'onRecord' | 'sinceMs'>,
  ): Promise<TopicFollower> => {
    const follower = await followTopic({
      topic,
      kafka,
      codec,
      onFatal,
      onUndecodable: ({ offset }, reason) => {
        log.error({ topic, offset, reason }, 'record passed over');
      },
      ...wanted,
    });
    followers.push(follower);
    return follower;
  };

  await follow('snapshots.v1', {
    wants: (key) => {
      const match = /^([^#]+)#\d+\/(\d+)\/full$/.exec(key);
      return match !== null && deps.isAwaited(match[1] ?? '', Number(match[2]));
    },
    onRecord: ({ value }) => {
      if (value !== null) deps.onFirstSnapshot(value);
    },
  });
  let hasHeardVerdicts = false;
  let hasHeardRouters = false;
  const verdicts = await follow('verdicts.v1', {
    sinceMs: deps.nowMs() - VERDICTS_BACK_MS,
    onRecord: ({ value }) => {
      if (value !== null) deps.onVerdict(value, !hasHeardVerdicts);
    },
  });
  const routers = await follow('router-status.v1', {
    onRecord: ({ source, value }) => {
      const router = source.key === null ? '' : Buffer.from(source.key).toString('utf8');
      deps.onRouter(router, value, !hasHeardRouters);
    },
  });
  return {
    caughtUp: Promise.all([
      verdicts.caughtUp.then(() => (hasHeardVerdicts = true)),
      routers.caughtUp.then(() => (hasHeardRouters = true)),
    ]),
    async stop() {
      await Promise.all(followers.map((follower) => follower.stop()));
    },
  };
}
