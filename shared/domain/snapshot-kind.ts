/**
 * What a snapshot has: everything; what was touched since a full one; or what was touched since the snapshot before it, whatever its
 * kind. In the order in which one replaces what was there of another.
 */
export const SNAPSHOT_KINDS = ['full', 'delta', 'step'] as const;

/** One of them. */
export type SnapshotKind = (typeof SNAPSHOT_KINDS)[number];
