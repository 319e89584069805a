import type { Arm } from '../../../shared/domain/events.ts';

/**
 * What a version made of a request: a probability of label 1; `failed` when it threw, was late or gave no number in
 * [0, 1]; `absent` when it was not there to be asked.
 */
export type PairScore = number | 'failed' | 'absent';

/** Candidate and baseline on the same labelled example. */
export interface Pair {
  readonly candidate: PairScore;
  readonly baseline: PairScore;
  /** 0 or 1. */
  readonly label: number;
  /** Event time of the prediction, or of the example, ms. */
  readonly atMs: number;
  /** Plan of the prediction, or position of the example: what a stage is told apart by. */
  readonly stageKey: number;
  /** Of a failed candidate what its scoring run is told apart by, a whole number above 0; absent when unknown. */
  readonly failedRun?: number;
}

/** What one request says of the assignment of its subject. */
export interface Assigned {
  readonly arm: Arm;
  /** Probability of the candidate's arm; 0 and 1 say nothing. */
  readonly candidateProbability: number;
  /** 53 bits of the subject's hash. */
  readonly subjectHash: number;
}

/** Returns a score as a pair has it. */
export function pairScore(
  found: { readonly score: number | null; readonly failed?: boolean } | undefined,
): PairScore {
  if (found === undefined) return 'absent';
  const { score } = found;
  const isSound = found.failed !== true && score !== null && score >= 0 && score <= 1;
  return isSound ? score : 'failed';
}

/** Returns what a scoring run is told apart by: how long both versions took, µs, which all of its rows share. */
export function runKey(candidateMicros: number, baselineMicros: number): number {
  const of = (micros: number): number => Math.min(2 ** 24 - 1, Math.max(0, micros + 1));
  return 1 + of(candidateMicros) * 2 ** 24 + of(baselineMicros);
}
