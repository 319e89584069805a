import type { Scaling } from '../../../shared/domain/feature-encoder.ts';
import type { CompleteSnapshot } from './complete-snapshot.ts';

/** What scores are made from; changed in place by deltas, and only while nobody scores. */
export interface Parameters extends Scaling {
  /** 2^tableBits + 1 of them, the last one the bias. */
  readonly weights: Float32Array;
}

/** Returns the parameters of a full snapshot, which they share. */
export function parametersOf({ weights, means, invStds }: CompleteSnapshot): Parameters {
  return { weights, means, invStds };
}

/**
 * Puts a delta's weights at their places and returns the parameters with its scaling. A delta lists everything touched since
 * its full snapshot, so it may be put over an older delta.
 */
export function patchParameters(parameters: Parameters, delta: CompleteSnapshot): Parameters {
  const { weights } = parameters;
  const { indices, means, invStds } = delta;
  if (indices !== null) {
    for (let i = 0; i < indices.length; i++) weights[indices[i] ?? 0] = delta.weights[i] ?? 0;
  }
  return { weights, means, invStds };
}
