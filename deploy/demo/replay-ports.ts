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
  },
  learner: {
    log: silentLog,
    nowMs: () => 0,
    monotonicMs: () => 0,
    threadCpuMs: () => 0,
    openCheckpoint: () => replayPorts.checkpoint,
    logRanges: () => Promise.resolve(new Map()),
    digestAt: () => Promise.resolve(''),
    recordDigest: digestOf,
    sha256: sha256Hex,
    stateDigest,
    send: () => Promise.resolve([]),
    graphOf: () => new Uint8Array(),
    observe: {
      events: nothing,
      version: nothing,
      checkpoint: nothing,
      snapshot: nothing,
      alarm: nothing,
      halted: nothing,
    },
  },
};
