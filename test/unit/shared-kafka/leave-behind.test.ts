import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { leaveBehind, leaveGroup } from '../../../shared/kafka/leave-behind.ts';
import type { LeavingConsumer } from '../../../shared/kafka/leave-behind.ts';
import type { ClusterInternals } from '../../../shared/kafka/cluster-internals.ts';
import { silentLog } from '../../../shared/observability/log.ts';

interface Played {
  readonly left: string[];
  /** Whether the coordinator can be asked. */
  readonly group: { isThere: boolean; tries: number };
  tell(event: 'join' | 'crash' | 'stop', payload?: object): void;
  settle(): Promise<void>;
}

function played(): Played {
  const listeners = new Map<string, (event: { payload: object }) => void>();
  const consumer = {
    events: { GROUP_JOIN: 'join', CRASH: 'crash', STOP: 'stop' },
    on: (event: string, listener: (event: { payload: object }) => void) => listeners.set(event, listener),
  };
  const left: string[] = [];
  const group = { isThere: false, tries: 0 };
  leaveBehind(consumer as unknown as LeavingConsumer, {
    log: silentLog,
    pauseMs: 0,
    leave: (memberId) => {
      group.tries += 1;
      if (!group.isThere) return Promise.reject(new Error('nobody listens'));
      left.push(memberId);
      return Promise.resolve();
    },
  });
  return {
    left,
    group,
    tell: (event, payload = {}) => listeners.get(event)?.({ payload }),
    async settle() {
      const { tries } = group;
      for (let turns = 0; turns < 1000 && group.tries < tries + 3; turns += 1) await turn();
    },
  };
}

const restarting = { restart: true };

test('a consumer that crashes with its broker leaves the group as who it was, once the group can be asked', async () => {
  const { left, group, tell, settle } = played();
  tell('join', { memberId: 'first' });
  for (let crashes = 0; crashes < 3; crashes += 1) {
    tell('stop'); // kafkajs stops a consumer that crashes
    tell('crash', restarting);
    await settle();
  }
  assert.deepEqual(left, []);
  group.isThere = true;
  await settle();
  assert.deepEqual(left, ['first'], 'once');
});

test('nobody leaves who is joined again, or stopped', async () => {
  for (const end of ['join', 'stop'] as const) {
    const { left, group, tell, settle } = played();
    tell('join', { memberId: 'first' });
    tell('stop');
    tell('crash', restarting);
    await settle();
    tell(end, { memberId: 'second' });
    group.isThere = true;
    await settle();
    assert.deepEqual(left, [], end);
  }
});

test('a consumer that crashes before it was a member, or for good, leaves nothing', async () => {
  const { group, tell, settle } = played();
  tell('crash', restarting);
  tell('join', { memberId: 'first' });
  tell('crash', { restart: false });
  await settle();
  assert.equal(group.tries, 0);
});

test('a member that the group does not know has left; what cannot be asked is told', async () => {
  const cluster = (error: Error): ClusterInternals =>
    ({
      connect: () => Promise.resolve(),
      disconnect: () => Promise.resolve(),
      findGroupCoordinator: () => Promise.resolve({ leaveGroup: () => Promise.reject(error) }),
    }) as unknown as ClusterInternals;
  await leaveGroup(
    cluster(Object.assign(new Error('who?'), { type: 'UNKNOWN_MEMBER_ID' })),
    'group',
    'first',
  );
  await assert.rejects(leaveGroup(cluster(new Error('loading')), 'group', 'first'), /loading/);
});
