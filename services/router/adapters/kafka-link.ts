import { hostname } from 'node:os';
import { brokersOf, instanceOf } from '../../../shared/config/load-config.ts';
import { HeadraceError } from '../../../shared/errors.ts';
import { openTopics } from '../../../shared/kafka/open-topics.ts';
import type { OpenedTopics, OpenTopicsInput } from '../../../shared/kafka/open-topics.ts';
import type { Stops } from '../../../shared/runtime/run-service.ts';
import type { ReadArtefact } from '../ports.ts';
import type { SnapshotNews, SnapshotReply } from '../domain/snapshot-news.ts';
import { followTopics } from './follow-topics.ts';
import type { FollowTopicsDeps } from './follow-topics.ts';
import { createArtefactReader } from './kafka-artefacts.ts';
import { readSnapshots } from './snapshot-reader.ts';

const FOLLOWED_TOPICS = ['model-versions.v1', 'traffic.v1', 'snapshots.v1'] as const;
type FollowedTopic = (typeof FOLLOWED_TOPICS)[number];

/** Kafka as a router uses it, from before it has been reached. */
export interface KafkaLink {
  /** Writes records; rejects with a retriable error while Kafka has not been reached. */
  readonly send: OpenedTopics['producer']['send'];
  /** Returns the partition count of the sharded topics; throws a retriable error while Kafka has not been reached. */
  readonly partitions: () => number;
  /** Reads a published file by its digest; undefined when Kafka has not been reached or does not have it. */
  readonly readArtefact: ReadArtefact;
  /** Tells the thread that reads snapshots.v1. */
  readonly replyToSnapshots: (reply: SnapshotReply) => void;
  /** Waits for topics and schemas, for as long as it takes, and begins to follow. */
  open(): Promise<void>;
}

/** What the link needs. */
export interface KafkaLinkDeps extends Omit<
  FollowTopicsDeps,
  'kafka' | 'codec' | 'onCaughtUp' | 'onUndecodable'
> {
  readonly logLevel: string;
  readonly onSnapshot: (news: SnapshotNews) => void;
  readonly onCaughtUp: (topic: FollowedTopic) => void;
  readonly onUndecodable: (topic: FollowedTopic) => void;
  readonly opening: Omit<OpenTopicsInput, 'topics' | 'log' | 'onWait'>;
  /** Told what is waited for, in words. */
  readonly onWait: (what: readonly string[]) => void;
  /** Given what has to be undone. */
  readonly stops: Stops;
}

/** Returns the link, not open yet. */
export function createKafkaLink(deps: KafkaLinkDeps): KafkaLink {
  let opened: OpenedTopics | undefined;
  let readArtefact: ReadArtefact = () => Promise.resolve(undefined);

  const { signal, settings, service } = deps.opening;
  const reader = readSnapshots(
    {
      brokers: brokersOf(settings.KAFKA_BROKERS),
      clientId: `headrace-${service}@${instanceOf(settings, hostname())}/snapshots`,
      schemaRegistryUrl: settings.SCHEMA_REGISTRY_URL,
      service,
      logLevel: deps.logLevel,
    },
    {
      onNews: deps.onSnapshot,
      onCaughtUp: () => {
        deps.onCaughtUp('snapshots.v1');
      },
      onUndecodable: () => {
        deps.onUndecodable('snapshots.v1');
      },
    },
  );
  deps.stops.add(() => reader.stop());

  function reached(): OpenedTopics {
    if (opened !== undefined) return opened;
    throw new HeadraceError('Kafka has not been reached yet', { code: 'kafka-unavailable', retriable: true });
  }

  return {
    send: async (records) => reached().producer.send(records),
    partitions: () => reached().partitions,
    readArtefact: (digest) => readArtefact(digest),
    replyToSnapshots: reader.reply,
    async open() {
      opened = await openTopics({
        ...deps.opening,
        topics: [...FOLLOWED_TOPICS, 'artefacts.v1', 'predictions.v1', 'router-status.v1'],
        log: deps.log,
        onWait: (what) => {
          deps.onWait(['starting', what]);
        },
      });
      const { kafka, codec, producer } = opened;
      deps.stops.add(() => producer.close());
      readArtefact = createArtefactReader({ kafka, codec, signal });
      deps.onWait(FOLLOWED_TOPICS);
      const followers = followTopics({ ...deps, kafka, codec });
      deps.stops.add(() => followers.stop());
      reader.begin();
    },
  };
}
