import { setTimeout as delay } from 'node:timers/promises';
import type { Consumer } from 'kafkajs';
import { messageOf } from '../errors.ts';
import type { Log } from '../observability/log.ts';
import type { ClusterInternals } from './cluster-internals.ts';

/** What is used of a kafkajs consumer. */
export type LeavingConsumer = Pick<Consumer, 'events' | 'on'>;

/** What leaving needs. */
export interface LeaveBehindDeps {
  /** Makes a member leave the group. Rejects while the group's coordinator cannot be asked. */
  readonly leave: (memberId: string) => Promise<unknown>;
  readonly log: Log;
  /** Time between two tries, ms. */
  readonly pauseMs?: number;
}

const PAUSE_MS = 100;

/**
 * Makes the member that a consumer was before it crashed leave its group as soon as the group can be asked again. kafkajs restarts a
 * consumer whose broker was gone as a new member, and the group, which a broker remembers across its own restart, would wait a whole
 * session timeout for the one before: nobody is assigned anything so long. Ends when the consumer has joined or is stopped.
 */
export function leaveBehind(consumer: LeavingConsumer, { leave, log, pauseMs }: LeaveBehindDeps): void {
  const { GROUP_JOIN, CRASH, STOP } = consumer.events;
  let member: string | undefined;
  let former: string | undefined;
  let leaving = new AbortController();

  async function leaveOnce(memberId: string, { signal }: AbortController): Promise<void> {
    while (!signal.aborted) {
      try {
        await leave(memberId);
        if (former === memberId) former = undefined;
        return;
      } catch (error) {
        log.debug({ memberId, reason: messageOf(error) }, 'the former member has not left yet');
        await delay(pauseMs ?? PAUSE_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    }
  }

  consumer.on(GROUP_JOIN, ({ payload }) => {
    leaving.abort();
    member = payload.memberId;
    former = undefined;
  });
  consumer.on(STOP, () => {
    leaving.abort(); // also a part of every crash, which comes after it
  });
  consumer.on(CRASH, ({ payload }) => {
    former ??= member;
    member = undefined;
    if (!payload.restart || former === undefined) return;
    leaving.abort();
    leaving = new AbortController();
    void leaveOnce(former, leaving);
  });
}

/** Makes one member leave a group. Rejects while its coordinator cannot be asked; a member that the group does not know has left. */
export async function leaveGroup(
  cluster: ClusterInternals,
  groupId: string,
  memberId: string,
): Promise<void> {
  try {
    await cluster.connect();
    const coordinator = await cluster.findGroupCoordinator({ groupId });
    await coordinator.leaveGroup({ groupId, memberId });
  } catch (error) {
    const isUnknown = error instanceof Error && 'type' in error && error.type === 'UNKNOWN_MEMBER_ID';
    if (!isUnknown) throw error;
  } finally {
    await cluster.disconnect().catch(() => undefined);
  }
}
