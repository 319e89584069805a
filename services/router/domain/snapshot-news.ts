import type { SnapshotKind } from '../../../shared/domain/snapshot-kind.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';
import type { SnapshotRefusal } from './take-snapshot.ts';

/** What there is to be applied: everything (`indices` null), or weights that are put over those of the updates before. */
export interface SnapshotUpdate extends CompleteSnapshot {
  /** Rises with every update of a version, from 1 on. */
  readonly id: number;
  /** Of the newest record in it. */
  readonly kind: SnapshotKind;
  /** W3C trace context of the newest traced event that it is the first to have learned. */
  readonly traceparent: string | undefined;
}

/** A record of snapshots.v1 that nothing comes of. */
export interface PassedSnapshot {
  readonly record: SnapshotKind;
  readonly result: SnapshotRefusal | 'superseded';
  readonly position: number;
}

/** What whoever reads snapshots.v1 tells whoever serves by it. */
export type SnapshotNews = { readonly model: string; readonly version: number } & (
  | { readonly kind: 'update'; readonly update: SnapshotUpdate }
  | ({ readonly kind: 'passed' } & PassedSnapshot)
  /** A tombstone came. */
  | { readonly kind: 'tombstone' }
);

/** What is told back. */
export type SnapshotReply =
  /** An update was applied, or was found to be bad, now or later. Only then is there another one of its version. */
  | {
      readonly kind: 'settled';
      readonly model: string;
      readonly version: number;
      readonly id: number;
      readonly isGood: boolean;
      /** The weights that it replaced, for whoever wants their memory. */
      readonly spare: ArrayBuffer | undefined;
    }
  /** Nobody serves by the version any more; what comes of it begins anew. */
  | { readonly kind: 'forgotten'; readonly model: string; readonly version: number }
  /** Records of these versions, `<model>/<version>`, need not be decoded; replaces those named before. */
  | { readonly kind: 'unwanted'; readonly versions: readonly string[] };
