import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { assignCoPartitioned, coPartitionedAssigner } from '../../../shared/kafka/assigner.ts';

const members = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 6 });
const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 20 }));

test('every partition goes to exactly one member, the same number of every topic to the same one', () => {
  fc.assert(
    fc.property(members, counts, (ids, partitions) => {
      const assignment = assignCoPartitioned(ids, partitions);
      assert.deepEqual(Object.keys(assignment).sort(), [...ids].sort());
      const ownerOf = new Map<number, string>();
      const seen = new Set<string>();
      for (const [member, topics] of Object.entries(assignment)) {
        for (const [topic, numbers] of Object.entries(topics)) {
          for (const partition of numbers) {
            const name = `${topic}/${String(partition)}`;
            assert.ok(!seen.has(name), name);
            seen.add(name);
            assert.equal(ownerOf.get(partition) ?? member, member);
            ownerOf.set(partition, member);
          }
        }
      }
      assert.equal(
        seen.size,
        Object.values(partitions).reduce((sum, count) => sum + count, 0),
      );
    }),
  );
});

test('shares differ by at most one partition, and the order in which members are named does not matter', () => {
  fc.assert(
    fc.property(members, fc.integer({ min: 0, max: 20 }), (ids, count) => {
      const assignment = assignCoPartitioned(ids, { a: count });
      const sizes = ids.map((id) => assignment[id]?.['a']?.length ?? Number.NaN);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
      assert.deepEqual(assignCoPartitioned([...ids].reverse(), { a: count }), assignment);
    }),
  );
});

test('the kafkajs form asks the cluster how many partitions there are', async () => {
  const cluster = {
    findTopicPartitionMetadata: (topic: string) => Array.from({ length: topic === 'a' ? 3 : 2 }),
  };
  const assigner = coPartitionedAssigner({ cluster, groupId: 'g', logger: undefined } as never);
  const memberMetadata = Buffer.alloc(0);
  const assigned = await assigner.assign({
    members: ['m2', 'm1'].map((memberId) => ({ memberId, memberMetadata })),
    topics: ['a', 'b'],
  });
  assert.deepEqual(assigned.map(({ memberId }) => memberId).sort(), ['m1', 'm2']);
  assert.equal(assigner.protocol({ topics: ['a', 'b'] }).name, 'HeadraceCoPartitioned');
});
