import type { PublishedTrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelDirectory } from '../../../shared/domain/model-directory.ts';
import type { Codec } from '../../../shared/events/codec.ts';
import type { KafkaClient } from '../../../shared/kafka/client.ts';
import type { ConsumedRecord } from '../../../shared/kafka/consumed.ts';
import { followDirectory } from '../../../shared/kafka/follow-directory.ts';
import { followTopic } from '../../../shared/kafka/topic-follower.ts';
import type { Log } from '../../../shared/observability/log.ts';
import { keepFollowing } from './lasting-follower.ts';
import type { LastingFollower } from './lasting-follower.ts';

/** The topics a router follows on its own thread; snapshots.v1 is read on another one (`snapshot-reader.ts`). */
export type FollowedTopic = 'model-versions.v1' | 'traffic.v1';

/** Who is told what. Everything may be told again after a failure. */
export interface FollowTopicsDeps {
  readonly kafka: KafkaClient;
  readonly codec: Codec;
  readonly log: Log;
  /** Called once the version log has been read to its end, and after every change from then on. */
  readonly onDirectory: (directory: ModelDirectory) => void;
  readonly onPlan: (plan: PublishedTrafficPlan) => void;
  readonly onCaughtUp: (topic: FollowedTopic) => void;
  readonly onUndecodable: (topic: FollowedTopic) => void;
}

/** Follows versions and traffic, each over connections of its own. */
export function followTopics(deps: FollowTopicsDeps): LastingFollower {
  const { kafka, codec, log } = deps;

  const undecodable = (source: ConsumedRecord, reason: string): void => {
    const { topic, partition, offset } = source;
    log.error({ topic, partition, offset, reason }, 'record passed over');
    deps.onUndecodable(topic as FollowedTopic);
  };
  const keep = (topic: FollowedTopic, begin: Parameters<typeof keepFollowing>[0]['begin']): LastingFollower =>
    keepFollowing({
      what: topic,
      begin,
      log,
      onCaughtUp: () => {
        deps.onCaughtUp(topic);
      },
    });

  const followers = [
    keep('model-versions.v1', (onFatal) =>
      followDirectory({ kafka, codec, onFatal, onChange: deps.onDirectory }),
    ),
    keep('traffic.v1', (onFatal) =>
      followTopic({
        topic: 'traffic.v1',
        kafka,
        codec,
        onFatal,
        onUndecodable: undecodable,
        onRecord: ({ value }) => {
          if (value !== null) deps.onPlan(value);
        },
      }),
    ),
  ];
  return {
    async stop() {
      await Promise.all(followers.map((follower) => follower.stop()));
    },
  };
}
