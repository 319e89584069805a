import type { Arm } from './events.ts';
import { murmur3 } from './murmur3.ts';

/** Basis points of the whole. */
export const WHOLE_BP = 10_000;

/**
 * Returns the place of a subject in a rollout, 0 … 9,999 basis points: a function of salt and subject alone, so the same
 * subject stays where it is, whatever serves it. (murmur3 over `salt`, NUL, `subject`, in the upper bits.)
 */
export function bucketOf(salt: string, subject: string): number {
  const hash = murmur3(`${salt}\u0000${subject}`, 0) >>> 0;
  return Math.floor((hash / 0x1_0000_0000) * WHOLE_BP);
}

/**
 * Returns the arm of a subject: the candidate when its bucket is below the candidate's weight. Raising the weight never
 * moves a subject away from the candidate.
 *
 * @param candidateWeightBp basis points, 0 … 10,000
 */
export function assignArm(salt: string, subject: string, candidateWeightBp: number): Arm {
  return bucketOf(salt, subject) < candidateWeightBp ? 'candidate' : 'stable';
}
