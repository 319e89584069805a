import type { TopicName } from '../events/topics.ts';
import kafkajs from 'kafkajs';
import { messageOf } from '../errors.ts';
import { evictFormerSelf } from './evict-former-self.ts';
import type { KafkaClient } from './client.ts';

const { AssignerProtocol } = kafkajs; // CommonJS: Node finds only some of its names

/** What leader election needs. */
export interface LeadershipDeps {
  readonly kafka: KafkaClient;
  readonly groupId: string;
  /** Name by which others find the leader: where it can be reached. */
  readonly clientId: string;
  /** A topic of one partition: whoever is assigned it leads. */
  readonly topic: TopicName;
  /** Called when this process becomes the leader. */
  readonly onLead: () => void;
  /** Called when another process has become the leader, or the membership was lost. */
  readonly onLose: () => void;
  readonly onFatal: (error: unknown) => void;
}

/** Membership of the group whose one partition makes the leader. */
export interface Leadership {
  readonly isLeader: () => boolean;
  /** Returns the client id of the leader, undefined when nobody leads or nobody can be asked. */
  leader(): Promise<string | undefined>;
  stop(): Promise<void>;
}

/**
 * Joins the election. Holding the partition is only a hint that nobody else leads: the leader must fence earlier ones with
 * its transactional id before it reads the log, and lives by that.
 */
export async function joinElection(deps: LeadershipDeps): Promise<Leadership> {
  const { kafka, groupId, topic } = deps;
  const named = kafka.named(deps.clientId);
  const consumer = named.consumer({
    groupId,
    sessionTimeout: 6000,
    heartbeatInterval: 1000,
    maxWaitTimeInMs: 500,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER },
  });
  let isLeader = false;
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    consumer.pause([{ topic }]); // only the assignment is wanted, never the records
    const holds = (payload.memberAssignment[topic] ?? []).includes(0);
    if (holds && !isLeader) {
      isLeader = true;
      deps.onLead();
    } else if (!holds && isLeader) {
      isLeader = false;
      deps.onLose();
    }
  });
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) deps.onFatal(payload.error);
  });
  await evictFormerSelf(named, groupId);
  await consumer.connect();
  await consumer.subscribe({ topic });
  await consumer.run({ autoCommit: false, eachMessage: () => Promise.resolve() });
  return {
    isLeader: () => isLeader,
    async leader() {
      const admin = kafka.admin();
      try {
        await admin.connect();
        const { groups } = await admin.describeGroups([groupId]);
        const holder = groups[0]?.members.find(({ memberAssignment }) => {
          const decoded =
            memberAssignment.length === 0 ? null : AssignerProtocol.MemberAssignment.decode(memberAssignment);
          return (decoded?.assignment[topic] ?? []).includes(0);
        });
        return holder?.clientId;
      } catch (error) {
        kafka.log.debug({ reason: messageOf(error) }, 'leader not known');
        return undefined;
      } finally {
        await admin.disconnect().catch(() => undefined);
      }
    },
    async stop() {
      await consumer.stop();
      await consumer.disconnect();
    },
  };
}
