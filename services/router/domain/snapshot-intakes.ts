import type { Snapshot } from '../../../shared/domain/events.ts';
import { createSnapshotIntake } from './snapshot-intake.ts';
import type { SnapshotIntake } from './snapshot-intake.ts';
import { parseSnapshotKey } from './snapshot-key.ts';
import type { SnapshotNews, SnapshotReply } from './snapshot-news.ts';

/** The records of snapshots.v1 on one side, what is to be applied of them on the other. */
export interface SnapshotIntakes {
  /** Takes the next record of the topic; null is a tombstone. */
  take(key: string, record: Snapshot | null, traceparent?: string): void;
  /** Returns whether a record can matter: those of retired versions need not be decoded. */
  wants(key: string): boolean;
  hear(reply: SnapshotReply): void;
  /** Tells now what would be told at the end of this turn. */
  flush(): void;
}

/** What the intakes need. */
export interface SnapshotIntakesDeps {
  /** SHA-256 over the pieces in order, hex. */
  readonly sha256: (pieces: readonly Uint8Array[]) => string;
  /** Runs the work after everything of this turn of the event loop has been read: a full snapshot and its delta are one update. */
  readonly defer: (work: () => void) => void;
  readonly tell: (news: SnapshotNews) => void;
}

interface OneVersion {
  readonly model: string;
  readonly version: number;
  readonly intake: SnapshotIntake;
}

/** Returns the intakes of all versions, made as their records come. */
export function createSnapshotIntakes({ sha256, defer, tell }: SnapshotIntakesDeps): SnapshotIntakes {
  const versions = new Map<string, OneVersion>();
  const fresh = new Set<OneVersion>();
  let unwanted: ReadonlySet<string> = new Set();
  let isDeferred = false;

  function flush(): void {
    isDeferred = false;
    const some = [...fresh];
    fresh.clear();
    for (const { model, version, intake } of some) {
      const update = intake.next();
      if (update !== undefined) tell({ kind: 'update', model, version, update });
    }
  }

  function look(one: OneVersion): void {
    fresh.add(one);
    if (isDeferred) return;
    isDeferred = true;
    defer(flush);
  }

  return {
    flush,
    take(key, record, traceparent) {
      const named = parseSnapshotKey(key);
      if (named === undefined) return;
      const { model, version } = named;
      if (record === null) {
        if (named.isHead) tell({ kind: 'tombstone', model, version });
        return;
      }
      const name = `${model}/${String(version)}`;
      const one = versions.get(name) ?? { model, version, intake: createSnapshotIntake(sha256) };
      versions.set(name, one);
      for (const passed of one.intake.take(record, traceparent))
        tell({ kind: 'passed', model, version, ...passed });
      look(one);
    },
    wants(key) {
      const named = parseSnapshotKey(key);
      return named !== undefined && !unwanted.has(`${named.model}/${String(named.version)}`);
    },
    hear(reply) {
      if (reply.kind === 'unwanted') {
        unwanted = new Set(reply.versions);
        return;
      }
      const name = `${reply.model}/${String(reply.version)}`;
      const one = versions.get(name);
      if (one === undefined) return;
      if (reply.kind === 'forgotten') {
        versions.delete(name);
        fresh.delete(one);
        return;
      }
      one.intake.settled(reply.id, reply.isGood);
      look(one);
    },
  };
}
