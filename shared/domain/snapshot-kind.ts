/**
 * What a snapshot has: everything; what was touched since a full one; or what was touched since a delta. In the order in which one
 * is relative to another.
 */
export const SNAPSHOT_KINDS = ['full', 'delta', 'step'] as const;

/** One of them. */
export type SnapshotKind = (typeof SNAPSHOT_KINDS)[number];
