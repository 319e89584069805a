/** What the key of a record of snapshots.v1 names. */
export interface SnapshotKeyParts {
  readonly model: string;
  readonly version: number;
  /** Whether it is the key of a whole snapshot or of its first chunk: its tombstone forgets the version. */
  readonly isHead: boolean;
}

const PATTERN = /^([a-z][a-z0-9-]{0,62})#\d{1,4}\/([1-9]\d{0,8})\/(?:full|delta|step)(\/\d{1,4})?$/;

/** Returns what a key of snapshots.v1 names, or undefined when it is not one. */
export function parseSnapshotKey(key: string): SnapshotKeyParts | undefined {
  const match = PATTERN.exec(key);
  if (match?.[1] === undefined) return undefined;
  return { model: match[1], version: Number(match[2]), isHead: match[3] === undefined };
}
