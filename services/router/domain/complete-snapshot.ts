import type { Snapshot } from '../../../shared/domain/events.ts';
import type { FeatureValue } from '../../../shared/domain/model-spec.ts';

/** Where in a version's life a snapshot was taken. */
export interface SnapshotPlace {
  /** Start of the learner that wrote it; rises with every take-over. */
  readonly incarnation: number;
  /** Next offset of training-events.v1 that the parameters have not seen. */
  readonly position: number;
}

/** A snapshot with all of its chunks, its numbers in arrays of its own. */
export interface CompleteSnapshot extends SnapshotPlace {
  /** log2 of the number of hashed weights, 8 … 24. */
  readonly tableBits: number;
  readonly learnedToMs: number | null;
  readonly publishedAtMs: number;
  /** ONNX model; null in deltas and steps. */
  readonly graph: Uint8Array | null;
  /** Coordinates of a delta's or a step's weights, ascending; null in a full snapshot, which has all of them. */
  readonly indices: Uint32Array<ArrayBuffer> | null;
  readonly weights: Float32Array<ArrayBuffer>;
  readonly means: Float64Array;
  readonly invStds: Float64Array;
  readonly goldenRows: readonly (readonly FeatureValue[])[];
  readonly goldenScores: readonly number[];
}

/** Returns a negative number when `a` comes before `b`, 0 when they are the same place, a positive number after. */
export function comparePlaces(a: SnapshotPlace, b: SnapshotPlace): number {
  return a.incarnation - b.incarnation || a.position - b.position;
}

/** Returns log2 of the table of a snapshot's learner, or undefined when its configuration is not one we know. */
export function tableBitsOf(learner: string): number | undefined {
  try {
    const { kind, tableBits } = JSON.parse(learner) as { kind?: unknown; tableBits?: unknown };
    const isSound =
      typeof tableBits === 'number' && Number.isInteger(tableBits) && tableBits >= 8 && tableBits <= 24;
    return kind === 'ftrl-logistic' && isSound ? tableBits : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Returns the snapshot of a record and the weight bytes of all of its chunks in order, copied; undefined when sizes do
 * not fit the table, or indices are not in it or do not ascend. Bytes are little-endian.
 */
export function completeSnapshot(
  record: Snapshot,
  weightParts: readonly Uint8Array[],
): CompleteSnapshot | undefined {
  const tableBits = tableBitsOf(record.learner);
  const isListed = record.kind !== 'full';
  if (
    tableBits === undefined ||
    (record.indices !== null) !== isListed ||
    (record.graph === null) !== isListed
  ) {
    return undefined;
  }
  const size = 2 ** tableBits + 1;
  const indices = record.indices === null ? null : numbersOf(Uint32Array, [record.indices]);
  const weights = numbersOf(Float32Array, weightParts);
  const means = numbersOf(Float64Array, [record.means]);
  const invStds = numbersOf(Float64Array, [record.invStds]);
  if (indices === undefined || weights === undefined || means === undefined || invStds === undefined)
    return undefined;
  if (weights.length !== (indices === null ? size : indices.length) || means.length !== invStds.length)
    return undefined;
  if (indices !== null && !isAscendingBelow(indices, size)) return undefined;
  return {
    incarnation: record.incarnation,
    position: record.position,
    tableBits,
    learnedToMs: record.learnedToMs,
    publishedAtMs: record.publishedAtMs,
    graph: record.graph === null ? null : new Uint8Array(record.graph), // of its own: the record's may lie among others
    indices,
    weights,
    means,
    invStds,
    goldenRows: record.goldenRows,
    goldenScores: record.goldenScores,
  };
}

function isAscendingBelow(indices: Uint32Array, size: number): boolean {
  const { length } = indices;
  let last = -1;
  for (let i = 0; i < length; i++) {
    const index = indices[i] ?? 0;
    if (index <= last) return false;
    last = index;
  }
  return last < size;
}

type NumberArray = Uint32Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>;

/** Returns the numbers that bytes are, copied; undefined when a number is cut. */
function numbersOf<T extends NumberArray>(
  kind: {
    new (buffer: ArrayBuffer, byteOffset: number, length: number): T;
    readonly BYTES_PER_ELEMENT: number;
  },
  parts: readonly Uint8Array[],
): T | undefined {
  const size = parts.reduce((sum, part) => sum + part.length, 0);
  if (size % kind.BYTES_PER_ELEMENT !== 0) return undefined;
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new kind(bytes.buffer, 0, size / kind.BYTES_PER_ELEMENT);
}
