import type { Snapshot } from '../../../shared/domain/events.ts';
import type { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { changedWeights } from './changed-weights.ts';
import type { ListedWeights } from './changed-weights.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';
import { patchParameters } from './parameters.ts';
import type { PassedSnapshot, SnapshotUpdate } from './snapshot-news.ts';
import { EMPTY_LEDGER, takeSnapshot, withoutFull } from './take-snapshot.ts';

/** The records of one version's snapshots on one side, what is to be applied of them on the other. */
export interface SnapshotIntake {
  /** Takes the next record, in the order of the topic, and returns those that nothing comes of. */
  take(record: Snapshot, traceparent: string | undefined): readonly PassedSnapshot[];
  /**
   * Returns what is to be applied now, once: undefined while the update before is not settled, or nothing is new. Its arrays are
   * the caller's.
   */
  next(): SnapshotUpdate | undefined;
  /** Hears how an update ended; of a bad one, deltas on its full snapshot are refused from now on. */
  settled(id: number, isGood: boolean): void;
}

/**
 * Returns the intake of one version. Records that come while an update is being applied leave the newest full snapshot and the
 * newest delta on it. A delta lists everything touched since its full snapshot; what is handed on is what changed since the last.
 *
 * @param sha256 SHA-256 over the pieces in order, hex
 * @param spares memory of deltas, which come and go; intakes may share it
 */
export function createSnapshotIntake(
  sha256: (pieces: readonly Uint8Array[]) => string,
  spares: SpareMemory,
): SnapshotIntake {
  let ledger = EMPTY_LEDGER;
  let full: CompleteSnapshot | undefined;
  let delta: CompleteSnapshot | undefined;
  let traceparent: string | undefined;
  /** What of the full snapshot that was handed on last a delta has replaced so far. */
  let replaced: ListedWeights | undefined;
  let lastId = 0;
  let lastFullId = 0;
  let underWay: number | undefined;

  function listed(snapshot: CompleteSnapshot | undefined): ListedWeights | undefined {
    if (snapshot === undefined || snapshot.indices === null) return undefined;
    return { indices: snapshot.indices, weights: snapshot.weights };
  }

  /** Lets go of a list that nobody reads any more. */
  function letGo(list: ListedWeights | undefined): void {
    if (list === undefined) return;
    spares.giveBack(list.indices.buffer);
    spares.giveBack(list.weights.buffer);
  }

  /** Returns everything: the full snapshot with the newest delta put over it. */
  function wholeOf(base: CompleteSnapshot, over: CompleteSnapshot | undefined): CompleteSnapshot {
    if (over === undefined) return base;
    return { ...over, ...patchParameters(base, over), graph: base.graph, indices: null };
  }

  return {
    take(record, recordsTrace) {
      const taken = takeSnapshot(ledger, record, sha256, spares);
      ledger = taken.ledger;
      const { verdict } = taken;
      const { kind, position } = record;
      if (verdict.kind === 'refused') return [{ record: kind, result: verdict.reason, position }];
      if (verdict.kind === 'gathering') return [];
      const { snapshot } = verdict;
      const isFull = snapshot.indices === null;
      const passed: PassedSnapshot[] = [];
      if (delta !== undefined)
        passed.push({ record: 'delta', result: 'superseded', position: delta.position });
      if (isFull && full !== undefined)
        passed.push({ record: 'full', result: 'superseded', position: full.position });
      letGo(listed(delta));
      if (isFull) full = snapshot;
      delta = isFull ? undefined : snapshot;
      traceparent = recordsTrace ?? traceparent;
      return passed;
    },
    next() {
      const newest = delta ?? full;
      if (underWay !== undefined || newest === undefined) return undefined;
      const id = ++lastId;
      const kind = newest === full ? 'full' : 'delta';
      const now = listed(delta);
      let what: CompleteSnapshot;
      if (full !== undefined) {
        lastFullId = id;
        what = wholeOf(full, delta);
      } else {
        what = now === undefined ? newest : { ...newest, ...changedWeights(replaced, now) };
      }
      letGo(replaced);
      replaced = now;
      const update = { ...what, id, kind, traceparent } as const;
      full = delta = traceparent = undefined;
      underWay = id;
      return update;
    },
    settled(id, isGood) {
      if (id === underWay) underWay = undefined;
      if (isGood || id < lastFullId || full !== undefined) return;
      letGo(listed(delta));
      delta = undefined;
      ledger = withoutFull(ledger);
    },
  };
}
