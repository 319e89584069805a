import type { LearnerConfig } from '../../../shared/domain/model-spec.ts';
import type { RowSpec } from './version-learner.ts';
import type { VersionIdentity } from './version-identity.ts';

/** 1 had no leverage fences; 1 and 2 had z and n as sections of their own. */
const FORMAT = 3;

/** A live version as the shard's `meta` section records it. */
export interface VersionRecord extends VersionIdentity {
  /** Position at which the version was halted, or null while it learns. */
  readonly haltedAt: number | null;
  /** Sequence of the newest command to resume that was carried out; 0 before the first. */
  readonly resumed: number;
}

/** Everything of a shard's state that is neither numbers in bulk nor the duplicate window. */
export interface ShardMeta {
  readonly position: number;
  readonly lastRecordDigest: string;
  readonly versions: readonly VersionRecord[];
}

/** What was stored. */
export interface StoredShardMeta extends ShardMeta {
  /** Number of the format it was stored in. */
  readonly format: number;
}

/** Returns the canonical UTF-8 JSON of the meta section, the features and crosses included. */
export function encodeShardMeta(spec: RowSpec, meta: ShardMeta): Uint8Array {
  return new TextEncoder().encode(
    JSON.stringify({
      format: FORMAT,
      rows: rowsOf(spec),
      position: meta.position,
      lastRecordDigest: meta.lastRecordDigest,
      versions: meta.versions.map(canonicalVersion),
    }),
  );
}

/**
 * Returns the meta section read back.
 *
 * @throws RangeError when it was written in another format or for other features or crosses than the spec's
 */
export function decodeShardMeta(spec: RowSpec, bytes: Uint8Array): StoredShardMeta {
  // The bytes are our own, and the store has verified their digest.
  const stored = JSON.parse(new TextDecoder().decode(bytes)) as StoredMeta;
  if (stored.format < 1 || stored.format > FORMAT) {
    throw new RangeError(`restoring meta: format ${String(stored.format)}, allowed 1 … ${String(FORMAT)}`);
  }
  const [found, expected] = [JSON.stringify(stored.rows), JSON.stringify(rowsOf(spec))];
  if (found !== expected) throw new RangeError(`restoring meta: rows ${found}, allowed ${expected}`);
  return {
    ...stored,
    versions: stored.versions.map((version) => ({ ...version, resumed: version.resumed ?? 0 })),
  };
}

/** What may be stored: software before this one knew no commands to resume. */
interface StoredMeta extends Omit<ShardMeta, 'versions'> {
  readonly format: number;
  readonly rows: unknown;
  readonly versions: readonly (Omit<VersionRecord, 'resumed'> & { readonly resumed?: number })[];
}

function rowsOf(spec: RowSpec): unknown {
  return { features: spec.features.map(({ name, type }) => ({ name, type })), crosses: spec.crosses };
}

function canonicalVersion({ version, config, born, haltedAt, resumed }: VersionRecord): unknown {
  const { position, mode, parent, startPosition } = born;
  return {
    version,
    config: canonicalConfig(config),
    born: { position, mode, parent, startPosition },
    haltedAt,
    resumed,
  };
}

function canonicalConfig({ kind, tableBits, alpha, beta, l1, l2 }: LearnerConfig): LearnerConfig {
  return { kind, tableBits, alpha, beta, l1, l2 };
}

/** Returns a reader of the sections that this software knows, out of those of a state that was stored in an older format. */
export function readFormat(
  format: number,
  readSection: (name: string) => Uint8Array,
): (name: string) => Uint8Array {
  return (name) => {
    if (format < 2 && name.endsWith('/fence')) return new Uint8Array(16);
    if (format < 3 && name.endsWith('/zn')) {
      const prefix = name.slice(0, -'zn'.length);
      return interleaved(readSection(`${prefix}z`), readSection(`${prefix}n`));
    }
    return readSection(name);
  };
}

/** Returns the float32 numbers of two equally long lists in turn. */
function interleaved(one: Uint8Array, other: Uint8Array): Uint8Array {
  const pairs = new Uint8Array(2 * one.length);
  for (let at = 0; at < one.length; at += 4) {
    pairs.set(one.subarray(at, at + 4), 2 * at);
    pairs.set(other.subarray(at, at + 4), 2 * at + 4);
  }
  return pairs;
}
