import type { TrafficPlan } from '../../../shared/domain/events.ts';
import type { ModelState } from '../../../shared/domain/model-directory.ts';
import { bytesOf } from '../../../shared/domain/state-section.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';

/** What a router needs to answer for one model by its stable version. */
export interface CachedModel {
  readonly state: ModelState;
  readonly plan: TrafficPlan & { readonly publishedAtMs: number };
  /** The version whose parameters these are: stable when it was kept. */
  readonly version: number;
  /** Null where the version is a published file, which is kept by its digest. */
  readonly snapshot: CompleteSnapshot | null;
}

/** Layout of the bytes below; another one is another number. */
const FORMAT = 1;
const LENGTH_BYTES = 4;
/** Bytes whose copying takes some tenths of a millisecond: pieces are few, because snapshots wait for the last. */
const COPIED_AT_ONCE = 2 ** 19;

interface Head {
  readonly format: number;
  readonly state: ModelState;
  readonly plan: CachedModel['plan'];
  readonly version: number;
  readonly place: Pick<
    CompleteSnapshot,
    'incarnation' | 'position' | 'tableBits' | 'learnedToMs' | 'publishedAtMs' | 'goldenRows' | 'goldenScores'
  > | null;
  /** Sizes of what follows: graph, weights, means, inverse deviations, bytes; none of a published file. */
  readonly sizes: readonly number[];
}

function placeOf(snapshot: CompleteSnapshot): Head['place'] {
  const { incarnation, position, tableBits, learnedToMs, publishedAtMs, goldenRows, goldenScores } = snapshot;
  return { incarnation, position, tableBits, learnedToMs, publishedAtMs, goldenRows, goldenScores };
}

/**
 * Returns a model as bytes: the length of a JSON head (4 bytes, little endian), the head, the arrays. They are copied piece by piece:
 * each time that it yields, some tenths of a millisecond have passed. What is given must not change until all of it is.
 */
export function* cacheBytes({
  state,
  plan,
  version,
  snapshot,
}: CachedModel): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const parts =
    snapshot === null
      ? []
      : [
          snapshot.graph ?? new Uint8Array(),
          bytesOf(snapshot.weights),
          bytesOf(snapshot.means),
          bytesOf(snapshot.invStds),
        ];
  const head: Head = {
    format: FORMAT,
    state,
    plan,
    version,
    place: snapshot === null ? null : placeOf(snapshot),
    sizes: parts.map(({ length }) => length),
  };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const size = LENGTH_BYTES + json.length + parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, LENGTH_BYTES);
  let at = LENGTH_BYTES + json.length;
  for (const part of parts) {
    for (let from = 0; from < part.length; from += COPIED_AT_ONCE) {
      bytes.set(part.subarray(from, from + COPIED_AT_ONCE), at + from);
      yield;
    }
    at += part.length;
  }
  return bytes;
}

/** Does at once what is done piece by piece, and returns what it returns. */
export function atOnce<T>(work: Generator<undefined, T>): T {
  let step = work.next();
  while (step.done !== true) step = work.next();
  return step.value;
}

/** Returns the model of bytes whose digest has been checked; undefined when a router of another build wrote them. */
export function readCacheBytes(bytes: Uint8Array): CachedModel | undefined {
  try {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const headEnd = LENGTH_BYTES + view.getUint32(0, true);
    const head = JSON.parse(new TextDecoder().decode(bytes.subarray(LENGTH_BYTES, headEnd))) as Head;
    if (head.format !== FORMAT) return undefined;
    const { state, plan, version, place } = head;
    if (place === null)
      return bytes.length === headEnd ? { state, plan, version, snapshot: null } : undefined;
    let at = headEnd;
    const [graph, weights, means, invStds] = head.sizes.map(
      (size) => new Uint8Array(bytes.subarray(at, (at += size))),
    ); // copies, at aligned places
    if (graph === undefined || weights === undefined || means === undefined || invStds === undefined)
      return undefined;
    if (at !== bytes.length || weights.length !== 4 * (2 ** place.tableBits + 1)) return undefined;
    const snapshot: CompleteSnapshot = {
      ...place,
      graph,
      indices: null,
      weights: new Float32Array(weights.buffer),
      means: new Float64Array(means.buffer),
      invStds: new Float64Array(invStds.buffer),
    };
    return { state, plan, version, snapshot };
  } catch {
    return undefined; // lengths that lie, JSON that is none
  }
}
