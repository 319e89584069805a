import { SNAPSHOT_KINDS } from '../../../shared/domain/snapshot-kind.ts';
import type { Snapshot } from '../../../shared/domain/events.ts';
import { comparePlaces, completeSnapshot, tableBitsOf } from './complete-snapshot.ts';
import type { CompleteSnapshot, SnapshotPlace } from './complete-snapshot.ts';

/** Why a record of snapshots.v1 changes nothing; a closed set, because it is a metric's label. */
export type SnapshotRefusal = 'malformed' | 'stale' | 'known' | 'no-base' | 'digest-mismatch';

/** What a record of snapshots.v1 means. */
export type SnapshotVerdict =
  | { readonly kind: 'complete'; readonly snapshot: CompleteSnapshot }
  /** A chunk was kept; others are still to come. */
  | { readonly kind: 'gathering' }
  | { readonly kind: 'refused'; readonly reason: SnapshotRefusal };

/** What has been accepted of one version: enough to decide on its next record. Immutable. */
export interface SnapshotLedger {
  /** The newest snapshot accepted: the one that a step must name. */
  readonly latest: SnapshotPlace | undefined;
  /** The full snapshot that a delta must name; what was accepted since is on it. */
  readonly full: KnownFull | undefined;
  /** Chunks of the snapshot that is being put together. */
  readonly gathering: Gathering | undefined;
}

/** A full snapshot that was accepted, or passed over because it says what was accepted. */
interface KnownFull extends SnapshotPlace {
  readonly tableBits: number;
  /** When the last one that was accepted was published, ms since the Unix epoch. */
  readonly acceptedMs: number;
}

interface Gathering extends SnapshotPlace {
  readonly kind: Snapshot['kind'];
  /** Weight bytes by chunk. */
  readonly parts: readonly (Uint8Array | undefined)[];
}

/** Nothing accepted yet. */
export const EMPTY_LEDGER: SnapshotLedger = {
  latest: undefined,
  full: undefined,
  gathering: undefined,
};

/** For how long after one full snapshot the next is passed over when it says nothing new, ms. */
const PASSED_OVER_MS = 60_000;

/** Most chunks of one snapshot. */
const CHUNKS_MAX = 1024;

/** Returns the ledger after its full snapshot was found to be bad: what is on it is refused until the next full one. */
export function withoutFull(ledger: SnapshotLedger): SnapshotLedger {
  return { ...ledger, full: undefined };
}

/**
 * Returns the ledger after a full snapshot that need not be read, because it is at the place that was accepted last: steps have told
 * all that it says. Undefined when it has to be. Once a minute it has, so that whatever steps may have failed to tell is right again.
 */
export function passOverFull(ledger: SnapshotLedger, record: Snapshot): SnapshotLedger | undefined {
  const { latest, full, gathering } = ledger;
  if (record.kind !== 'full' || !hasSoundShape(record)) return undefined;
  if (latest === undefined || full === undefined) return undefined;
  const isGathered = gathering?.kind === 'full' && comparePlaces(gathering, record) === 0;
  if (comparePlaces(record, latest) !== 0 || isGathered) return undefined;
  if (Math.abs(record.publishedAtMs - full.acceptedMs) >= PASSED_OVER_MS) return undefined;
  if (tableBitsOf(record.learner) !== full.tableBits) return undefined;
  return { ...ledger, full: { ...full, incarnation: record.incarnation, position: record.position } };
}

/**
 * Returns what a record means and the ledger after it. It counts only if (incarnation, position) is new, a delta only on the
 * full snapshot it names, which must be the one accepted last, a step only on the snapshot it names, which must be the one accepted
 * last and on such a full one. Every chunk must have the digest it carries, and a snapshot in chunks counts when all of them are
 * there. Chunks of another snapshot than the one being gathered replace it when they are newer and are stale when they are older.
 *
 * A delta at the place that was accepted last is known, and not looked at: steps have told all that it says. So is the same full one
 * again.
 *
 * Nothing of the record's bytes is kept.
 *
 * @param sha256 SHA-256 over the pieces in order, hex
 */
export function takeSnapshot(
  ledger: SnapshotLedger,
  record: Snapshot,
  sha256: (pieces: readonly Uint8Array[]) => string,
): { readonly ledger: SnapshotLedger; readonly verdict: SnapshotVerdict } {
  const refused = (reason: SnapshotRefusal): ReturnType<typeof takeSnapshot> => ({
    ledger,
    verdict: { kind: 'refused', reason },
  });
  if (!hasSoundShape(record)) return refused('malformed');
  if (!isNew(record, ledger)) return refused(isKnown(record, ledger) ? 'known' : 'stale');
  if (record.kind !== 'full' && !isOnBase(record, ledger)) return refused('no-base');
  const { gathering } = ledger;
  if (record.chunkCount > 1 && gathering !== undefined && comparePlaces(record, gathering) < 0)
    return refused('stale');
  const pieces = [record.indices, record.weights, record.means, record.invStds].filter(
    (piece) => piece !== null,
  );
  if (sha256(pieces) !== record.digest) return refused('digest-mismatch');

  const parts = gathered(gathering, record);
  if (parts.some((part) => part === undefined)) {
    const { kind, incarnation, position, chunkIndex } = record;
    parts[chunkIndex] = new Uint8Array(record.weights); // the record's may lie among other bytes
    return {
      ledger: { ...ledger, gathering: { kind, incarnation, position, parts } },
      verdict: { kind: 'gathering' },
    };
  }
  const snapshot = completeSnapshot(record, parts as readonly Uint8Array[]);
  const isOther = record.kind !== 'full' && snapshot?.tableBits !== ledger.full?.tableBits;
  if (snapshot === undefined || isOther) return refused('malformed');
  const place = { incarnation: record.incarnation, position: record.position };
  const { tableBits, publishedAtMs } = snapshot;
  const full = record.kind === 'full' ? { ...place, tableBits, acceptedMs: publishedAtMs } : ledger.full;
  const isOlder = gathering !== undefined && comparePlaces(gathering, place) <= 0;
  return {
    ledger: { latest: place, full, gathering: isOlder ? undefined : gathering },
    verdict: { kind: 'complete', snapshot },
  };
}

function hasSoundShape({ kind, shard, chunkIndex, chunkCount }: Snapshot): boolean {
  const isOfKind = SNAPSHOT_KINDS.includes(kind);
  const chunksMax = kind === 'step' ? 1 : CHUNKS_MAX;
  const hasChunks = chunkCount >= 1 && chunkCount <= chunksMax && chunkIndex >= 0 && chunkIndex < chunkCount;
  return isOfKind && shard === 0 && hasChunks;
}

/** A full snapshot also counts at the place of a delta or a step: it is for who did not hear that, and its writer goes on from it. */
function isNew(record: Snapshot, { latest, full }: SnapshotLedger): boolean {
  if (latest === undefined) return true;
  const order = comparePlaces(record, latest);
  return order > 0 || (order === 0 && record.kind === 'full' && full?.position !== record.position);
}

function isKnown(record: Snapshot, ledger: SnapshotLedger): boolean {
  const { latest, full } = ledger;
  if (latest === undefined || comparePlaces(record, latest) !== 0) return false;
  if (record.kind === 'full') return full?.position === record.position;
  return record.kind === 'delta' && isOnBase(record, ledger);
}

function isOnBase({ kind, incarnation, basePosition }: Snapshot, { full, latest }: SnapshotLedger): boolean {
  const base = kind === 'step' && full !== undefined ? latest : full;
  return base?.incarnation === incarnation && base.position === basePosition;
}

/** The record's chunk among those gathered of the same snapshot, or alone when it begins another. */
function gathered(gathering: Gathering | undefined, record: Snapshot): (Uint8Array | undefined)[] {
  const isSame =
    gathering?.kind === record.kind &&
    comparePlaces(gathering, record) === 0 &&
    gathering.parts.length === record.chunkCount;
  const parts = isSame ? [...gathering.parts] : Array.from({ length: record.chunkCount }, () => undefined);
  parts[record.chunkIndex] = record.weights;
  return parts;
}
