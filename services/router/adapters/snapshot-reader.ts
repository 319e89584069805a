import { Worker } from 'node:worker_threads';
import { letThreadLimitsCount } from '../../../shared/runtime/thread-heaps.ts';
import type { SnapshotNews, SnapshotReply } from '../domain/snapshot-news.ts';
import type { FromSnapshotThread, SnapshotThreadInput, ToSnapshotThread } from './snapshot-messages.ts';

/**
 * Its objects are few; what is large are buffers, which lie outside of its heap and are let go of when it is collected. A young
 * generation that takes long to fill keeps them until V8 collects everything for their sake, on the cores that answer.
 */
const YOUNG_MB = 6;

/** Who is told what. */
export interface SnapshotReaderDeps {
  readonly onNews: (news: SnapshotNews) => void;
  /** Called whenever everything that was on the topic when following began has been told. */
  readonly onCaughtUp: () => void;
  readonly onUndecodable: () => void;
}

/** snapshots.v1 as it is read by a thread of its own. */
export interface SnapshotReader {
  /** Begins to follow the topic. */
  begin(): void;
  reply(reply: SnapshotReply): void;
  stop(): Promise<void>;
}

/**
 * Reads snapshots.v1 on a thread of its own, from the topic's start: megabytes are fetched, decoded, digested and put together
 * there, and come over as what has to be changed. The thread is started at once, so that a router's memory does not depend on
 * whether Kafka has been reached. When it fails, the process does.
 */
export function readSnapshots(input: SnapshotThreadInput, deps: SnapshotReaderDeps): SnapshotReader {
  letThreadLimitsCount();
  const thread = new Worker(new URL('snapshot-thread.ts', import.meta.url), {
    workerData: input,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, codeRangeSizeMb: 32 },
  });
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => {
      resolve();
    });
  });
  const send = (message: ToSnapshotThread, moved: ArrayBuffer[] = []): void => {
    thread.postMessage(message, moved);
  };
  thread.on('message', (message: FromSnapshotThread) => {
    if (message.kind === 'caught-up') deps.onCaughtUp();
    else if (message.kind === 'undecodable') deps.onUndecodable();
    else deps.onNews(message);
  });
  return {
    begin() {
      send({ kind: 'begin' });
    },
    reply(reply) {
      send(reply, reply.kind === 'settled' && reply.spare !== undefined ? [reply.spare] : []);
    },
    stop() {
      send({ kind: 'stop' });
      return ended;
    },
  };
}
