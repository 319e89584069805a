import { messageOf } from '../errors.ts';
import type { KafkaClient } from './client.ts';

/**
 * Makes members of a group that carry this client's id leave it, and returns how many there were. A killed process leaves
 * its member behind, and the group would wait a whole session timeout for it; kafkajs 2.2.4 knows no static membership,
 * so a process with a stable client id clears away its own remains. It is a courtesy to speed: fencing by epoch and by
 * transactional id is what keeps a former self that still lives from doing harm. Failures are logged and ignored.
 */
export async function evictFormerSelf(kafka: KafkaClient, groupId: string): Promise<number> {
  const cluster = kafka.openCluster();
  try {
    await cluster.connect();
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    const { groups } = await coordinator.describeGroups({ groupIds: [groupId] });
    const remains = (groups[0]?.members ?? []).filter(({ clientId }) => clientId === kafka.clientId);
    for (const { memberId } of remains) await coordinator.leaveGroup({ groupId, memberId });
    if (remains.length > 0)
      kafka.log.info({ groupId, members: remains.length }, 'cleared away a former member of ours');
    return remains.length;
  } catch (error) {
    kafka.log.debug({ groupId, reason: messageOf(error) }, 'former members not looked for');
    return 0;
  } finally {
    await cluster.disconnect().catch(() => undefined);
  }
}
