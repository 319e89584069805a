import type { Consumer } from 'kafkajs';
import { coPartitionedAssigner } from './assigner.ts';
import type { GroupConsumerDeps } from './group-consumer-deps.ts';

/** Between two heartbeats, ms. */
export const HEARTBEAT_MS = 1000;

/** Returns the group member of a consumer loop, not connected: it tries for ever, and no topic comes to be by its asking. */
export function openConsumer({
  kafka,
  groupId,
  sessionTimeoutMs,
}: Pick<GroupConsumerDeps, 'kafka' | 'groupId' | 'sessionTimeoutMs'>): Consumer {
  return kafka.consumer({
    groupId: groupId,
    partitionAssigners: [coPartitionedAssigner],
    sessionTimeout: sessionTimeoutMs ?? 10_000,
    rebalanceTimeout: 30_000,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: 250,
    maxBytesPerPartition: 4 * 1024 * 1024,
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER },
  });
}
