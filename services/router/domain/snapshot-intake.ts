import { SNAPSHOT_KINDS } from '../../../shared/domain/snapshot-kind.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import type { SpareMemory } from '../../../shared/domain/spare-memory.ts';
import { changedWeights, NOTHING, overlaidWeights } from './changed-weights.ts';
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
  /** Hears how an update ended; of a bad one, what is on its full snapshot is refused from now on. */
  settled(id: number, isGood: boolean): void;
}

/** The newest of each kind, each on the one before it. */
type Newest = Partial<Record<SnapshotKind, CompleteSnapshot>>;

/** What deltas and steps have replaced of a full snapshot. */
interface Replaced {
  readonly delta?: ListedWeights | undefined;
  readonly step?: ListedWeights | undefined;
}

function listOf(snapshot: CompleteSnapshot | undefined): ListedWeights | undefined {
  if (snapshot === undefined || snapshot.indices === null) return undefined;
  return { indices: snapshot.indices, weights: snapshot.weights };
}

/** Returns everything: a full snapshot with what came on it put over it. */
function wholeOf(full: CompleteSnapshot, { delta, step }: Newest): CompleteSnapshot {
  let whole = full;
  for (const over of [delta, step])
    if (over !== undefined)
      whole = { ...over, ...patchParameters(whole, over), graph: full.graph, indices: null };
  return whole;
}

/**
 * Returns the intake of one version. Records that come while an update is being applied leave the newest full snapshot, the newest
 * delta on it and the newest step on that. A delta lists everything touched since its full snapshot, a step everything since its
 * delta; what is handed on is what changed since the update before.
 *
 * @param sha256 SHA-256 over the pieces in order, hex
 * @param spares memory of deltas and steps, which come and go; intakes may share it
 */
export function createSnapshotIntake(
  sha256: (pieces: readonly Uint8Array[]) => string,
  spares: SpareMemory,
): SnapshotIntake {
  let ledger = EMPTY_LEDGER;
  let newest: Newest = {};
  let traceparent: string | undefined;
  /** Of the full snapshot that was handed on last. */
  let replaced: Replaced = {};
  let lastId = 0;
  let lastFullId = 0;
  let underWay: number | undefined;

  /** Lets go of a list that nobody reads any more. */
  function letGo(list: ListedWeights | undefined): void {
    if (list === undefined) return;
    spares.giveBack(list.indices.buffer);
    spares.giveBack(list.weights.buffer);
  }

  /** Returns what a delta changes, or a step, or both when a step came on the delta meanwhile. */
  function changedBy({ delta, step }: Replaced): ListedWeights {
    if (delta !== undefined && step !== undefined) {
      const both = overlaidWeights(delta, step, spares);
      const changed = changedWeights(both, replaced.delta, replaced.step);
      letGo(both);
      return changed;
    }
    return delta === undefined
      ? changedWeights(step ?? NOTHING, replaced.step)
      : changedWeights(delta, replaced.delta, replaced.step);
  }

  return {
    take(record, recordsTrace) {
      const taken = takeSnapshot(ledger, record, sha256, spares);
      ledger = taken.ledger;
      const { verdict } = taken;
      const { kind, position } = record;
      if (verdict.kind === 'refused') return [{ record: kind, result: verdict.reason, position }];
      if (verdict.kind === 'gathering') return [];
      const passed: PassedSnapshot[] = [];
      const kept: Newest = {};
      for (const other of SNAPSHOT_KINDS) {
        const one = newest[other];
        if (one === undefined) continue;
        if (SNAPSHOT_KINDS.indexOf(other) < SNAPSHOT_KINDS.indexOf(kind)) kept[other] = one;
        else {
          passed.push({ record: other, result: 'superseded', position: one.position });
          letGo(listOf(one));
        }
      }
      newest = { ...kept, [kind]: verdict.snapshot };
      traceparent = recordsTrace ?? traceparent;
      return passed;
    },
    next() {
      const { full, delta, step } = newest;
      const last = step ?? delta ?? full;
      if (underWay !== undefined || last === undefined) return undefined;
      const id = ++lastId;
      const kind = last === step ? 'step' : last === delta ? 'delta' : 'full';
      const now = { delta: listOf(delta), step: listOf(step) };
      let what: CompleteSnapshot;
      if (full !== undefined) {
        lastFullId = id;
        what = wholeOf(full, newest);
      } else what = { ...last, ...changedBy(now) };
      const isOnReplaced = full === undefined && delta === undefined;
      letGo(replaced.step);
      if (!isOnReplaced) letGo(replaced.delta);
      replaced = isOnReplaced ? { delta: replaced.delta, step: now.step } : now;
      const update = { ...what, id, kind, traceparent } as const;
      newest = {};
      traceparent = undefined;
      underWay = id;
      return update;
    },
    settled(id, isGood) {
      if (id === underWay) underWay = undefined;
      if (isGood || id < lastFullId || newest.full !== undefined) return;
      letGo(listOf(newest.delta));
      letGo(listOf(newest.step));
      newest = {};
      ledger = withoutFull(ledger);
    },
  };
}
