import { digestOf } from '../../shared/checkpoint/manifest.ts';
import { sha256Hex } from '../../shared/events/sha256.ts';
import { silentLog } from '../../shared/observability/log.ts';
import { stateDigest } from '../../services/online-learner/adapters/state-digest.ts';
import type { LearnerPorts, ShardCheckpoint } from '../../services/online-learner/ports.ts';

const nothing = (): void => undefined;

/** What a learner needs when it only learns: nothing is stored, nothing is written. */
export const replayPorts: { readonly learner: LearnerPorts; readonly checkpoint: ShardCheckpoint } = {
  checkpoint: {
    takeOver: () => Promise.resolve(undefined),
    epoch: () => 0,
    isOwned: () => Promise.resolve(true),
    save: () => Promise.resolve('saved'),
    lastCost: () => ({ busyMs: 0, writtenBytes: 0 }),
  },
  learner: {
    log: silentLog,
    nowMs: () => 0,
    monotonicMs: () => 0,
    pause: () => Promise.resolve(),
    threadCpuMs: () => 0,
    openCheckpoint: () => replayPorts.checkpoint,
    logRanges: () => Promise.resolve(new Map()),
    digestAt: () => Promise.resolve(''),
    // eslint-disable-next-line @typescript-eslint/require-await -- there is no past beside the one that is replayed
    async *readPast() {
      yield* [];
    },
    openMilestones: () => ({
      write: () => Promise.reject(new Error('a replay keeps no milestones')),
      forget: () => Promise.resolve(),
      newest: () => Promise.resolve({ state: undefined, damaged: [] }),
    }),
    onMoment: nothing,
    recordDigest: digestOf,
    sha256: sha256Hex,
    stateDigest,
    send: () => Promise.resolve([]),
    graphOf: () => new Uint8Array(),
    observe: {
      events: nothing,
      version: nothing,
      screened: nothing,
      checkpoint: nothing,
      opened: nothing,
      position: nothing,
      damaged: nothing,
      milestone: nothing,
      backfill: nothing,
      snapshot: nothing,
      alarm: nothing,
      halted: nothing,
    },
  },
};
