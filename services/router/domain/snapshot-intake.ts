import { SNAPSHOT_KINDS } from '../../../shared/domain/snapshot-kind.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';
import { overlaidWeights } from './overlaid-weights.ts';
import type { ListedWeights } from './overlaid-weights.ts';
import { patchParameters } from './parameters.ts';
import type { PassedSnapshot, SnapshotUpdate } from './snapshot-news.ts';
import { EMPTY_LEDGER, passOverFull, takeSnapshot, withoutFull } from './take-snapshot.ts';

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

/** What was not handed on: the newest full one and delta, and in one list the steps after them. */
type Newest = Partial<Record<SnapshotKind, CompleteSnapshot>>;

function listOf({ indices, weights }: CompleteSnapshot): ListedWeights {
  if (indices === null) throw new TypeError('a full snapshot lists nothing');
  return { indices, weights };
}

/** Returns a snapshot that lists what both list, the second put over the first. */
function laidOver(under: CompleteSnapshot, over: CompleteSnapshot): CompleteSnapshot {
  return { ...over, ...overlaidWeights(listOf(under), listOf(over)) };
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
 * delta on it and the steps after that. What is handed on may be put over what was handed on before: a full snapshot is everything,
 * a delta everything touched since a full one, a step all that was touched since whatever came before it.
 *
 * @param sha256 SHA-256 over the pieces in order, hex
 */
export function createSnapshotIntake(sha256: (pieces: readonly Uint8Array[]) => string): SnapshotIntake {
  let ledger = EMPTY_LEDGER;
  let newest: Newest = {};
  let traceparent: string | undefined;
  let lastId = 0;
  let lastFullId = 0;
  let underWay: number | undefined;

  return {
    take(record, recordsTrace) {
      const { kind, position } = record;
      // While something waits or may turn out to be bad, a full one is what heals it.
      const isIdle = underWay === undefined && SNAPSHOT_KINDS.every((one) => newest[one] === undefined);
      const passedOver = isIdle ? passOverFull(ledger, record) : undefined;
      if (passedOver !== undefined) {
        ledger = passedOver;
        return [{ record: kind, result: 'known', position }];
      }
      const taken = takeSnapshot(ledger, record, sha256);
      ledger = taken.ledger;
      const { verdict } = taken;
      if (verdict.kind === 'refused') return [{ record: kind, result: verdict.reason, position }];
      if (verdict.kind === 'gathering') return [];
      const { snapshot } = verdict;
      const passed: PassedSnapshot[] = [];
      const kept: Newest = {};
      for (const other of SNAPSHOT_KINDS) {
        const one = newest[other];
        if (one === undefined) continue;
        if (SNAPSHOT_KINDS.indexOf(other) < SNAPSHOT_KINDS.indexOf(kind)) kept[other] = one;
        else passed.push({ record: other, result: 'superseded', position: one.position });
      }
      const { step } = newest;
      newest = {
        ...kept,
        [kind]: kind === 'step' && step !== undefined ? laidOver(step, snapshot) : snapshot,
      };
      traceparent = recordsTrace ?? traceparent;
      return passed;
    },
    next() {
      const { full, delta, step } = newest;
      const last = step ?? delta ?? full;
      if (underWay !== undefined || last === undefined) return undefined;
      const id = ++lastId;
      const kind = last === step ? 'step' : last === delta ? 'delta' : 'full';
      let what = last;
      if (full !== undefined) {
        lastFullId = id;
        what = wholeOf(full, newest);
      } else if (delta !== undefined && step !== undefined) what = laidOver(delta, step);
      newest = {};
      const update = { ...what, id, kind, traceparent } as const;
      traceparent = undefined;
      underWay = id;
      return update;
    },
    settled(id, isGood) {
      if (id === underWay) underWay = undefined;
      if (isGood || id < lastFullId || newest.full !== undefined) return;
      newest = {};
      ledger = withoutFull(ledger);
    },
  };
}
