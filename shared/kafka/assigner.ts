import kafkajs from 'kafkajs';
import type { PartitionAssigner } from 'kafkajs';

const { AssignerProtocol } = kafkajs; // CommonJS: Node finds only some of its names

/**
 * Returns which partitions each member gets: partition p of *every* topic goes to the same member, so that records of
 * one shard meet in one process whatever topic they are on. Members are ordered by id; the assignment is a pure
 * function of members and partition counts.
 */
export function assignCoPartitioned(
  memberIds: readonly string[],
  partitionCountByTopic: Readonly<Record<string, number>>,
): Record<string, Record<string, number[]>> {
  const members = [...memberIds].sort();
  const topics = Object.keys(partitionCountByTopic);
  const assignment: Record<string, Record<string, number[]>> = Object.fromEntries(
    members.map((member) => [member, Object.fromEntries(topics.map((topic) => [topic, []]))]),
  );
  for (const [topic, count] of Object.entries(partitionCountByTopic)) {
    for (let partition = 0; partition < count; partition += 1) {
      const member = members[partition % members.length];
      if (member !== undefined) assignment[member]?.[topic]?.push(partition);
    }
  }
  return assignment;
}

/** The kafkajs form of `assignCoPartitioned`. */
export const coPartitionedAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'HeadraceCoPartitioned',
  version: 1,
  assign({ members, topics }) {
    const counts = Object.fromEntries(
      topics.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]),
    );
    const assigned = assignCoPartitioned(
      members.map(({ memberId }) => memberId),
      counts,
    );
    return Promise.resolve(
      Object.entries(assigned).map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: 1,
          assignment,
          userData: Buffer.alloc(0),
        }),
      })),
    );
  },
  protocol({ topics }) {
    return {
      name: 'HeadraceCoPartitioned',
      metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }),
    };
  },
});
