import type { Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';

/** What scores are made from; changed in place by deltas, and only while nobody scores. */
export interface Parameters extends Scaling {
  /** 2^tableBits + 1 of them, the last one the bias. */
  readonly weights: Float32Array<ArrayBuffer>;
}

/** Returns the parameters of a full snapshot, which they share. */
export function parametersOf({
  weights,
  means,
  invStds,
}: Pick<CompleteSnapshot, 'weights' | 'means' | 'invStds'>): Parameters {
  return { weights, means, invStds };
}

/**
 * Puts the weights of a delta or a step at their places and returns the parameters with its scaling. A delta lists everything
 * touched since its full snapshot, so it may be put over an older delta.
 */
export function patchParameters(parameters: Parameters, delta: CompleteSnapshot): Parameters {
  const { weights } = parameters;
  const { indices, means, invStds } = delta;
  if (indices !== null) {
    for (let i = 0; i < indices.length; i++) weights[indices[i] ?? 0] = delta.weights[i] ?? 0;
  }
  return { weights, means, invStds };
}

/** What takes some tenths of a millisecond: weights that are copied, and weights that are put at their places in a large table. */
const COPIED_AT_ONCE = 2 ** 15;
const PLACED_AT_ONCE = 2 ** 12;

/** The most changed weights for which parameters are patched in place; more are put into a copy. */
export const PATCHED_IN_PLACE_MAX = 2 ** 13;

/**
 * Puts a delta's weights into a copy, piece by piece: each time that it yields, some tenths of a millisecond have passed. What is
 * copied must not change meanwhile.
 */
export function* patchedCopy(
  weights: Float32Array,
  delta: CompleteSnapshot,
): Generator<undefined, Float32Array<ArrayBuffer>> {
  const copy = new Float32Array(weights.length);
  for (let from = 0; from < weights.length; from += COPIED_AT_ONCE) {
    copy.set(weights.subarray(from, from + COPIED_AT_ONCE), from);
    yield;
  }
  const indices = delta.indices ?? [];
  for (let from = 0; from < indices.length; from += PLACED_AT_ONCE) {
    const to = Math.min(from + PLACED_AT_ONCE, indices.length);
    for (let i = from; i < to; i++) copy[indices[i] ?? 0] = delta.weights[i] ?? 0;
    yield;
  }
  return copy;
}
