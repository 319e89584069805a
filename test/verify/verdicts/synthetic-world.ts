import { assignArm, WHOLE_BP } from '../../../shared/domain/assignment.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { WINDOW_STEPS } from './simulated-rollout.ts';
import type { SimulatedRequest } from './simulated-rollout.ts';

/** What a candidate can see, or be struck by, at one request. */
export interface Seen {
  /** True logit of label 1. */
  readonly truth: number;
  /** The logit that an equal of the baseline would give. */
  readonly equal: number;
  readonly label: 0 | 1;
  readonly index: number;
  readonly rng: Rng;
}

/** The candidate of a world. */
export interface Candidate {
  /**
   * Returns its probability of label 1; null when it fails, undefined when it is not there. Default: an equal of the
   * baseline.
   */
  readonly score?: (seen: Seen) => number | null | undefined;
  /** How much longer than the baseline it takes, a factor. */
  readonly slowness?: number;
  /** How much more likely label 1 is for its subjects, a factor. */
  readonly harm?: number;
  /** Returns after how many requests its subjects' label comes, 0 … WINDOW_STEPS; given what it would be at stable. */
  readonly delay?: (delaySteps: number) => number;
}

/** What is peculiar about a world. */
export interface WorldOptions {
  /** How far the hardness of a request follows that of the one before, [0, 1). */
  readonly hardnessCorrelation?: number;
  /** Whether the base rate swings. */
  readonly isDrifting?: boolean;
  /** Whether few subjects make most requests, and subjects differ in their rates. */
  readonly isUnequal?: boolean;
  /** Returns the candidate's share of subjects at a request, basis points. */
  readonly weightBp?: (index: number) => number;
  /** Whether label 1 comes soon and label 0 only at the window's end. */
  readonly isDelayTelling?: boolean;
  readonly subjects?: number;
  readonly candidate?: Candidate;
}

/** Returns the logistic function. */
export function logistic(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

/** Returns a standard normal number. */
export function normal(rng: Rng): number {
  return Math.sqrt(-2 * Math.log(1 - rng.next())) * Math.cos(2 * Math.PI * rng.next());
}

const ERROR_SD = 0.3;
const FAILURES = 0.002;

function delayOf(label: 0 | 1, isTelling: boolean, rng: Rng): number {
  if (!isTelling) return rng.int(WINDOW_STEPS + 1);
  return label === 1 ? rng.int(WINDOW_STEPS / 10) : WINDOW_STEPS;
}

/**
 * Returns a seeded stream of requests: a true logit, a baseline and an equal candidate that each err by themselves,
 * rare failures of both, scoring times of one distribution, labels, and subjects assigned by hash. The candidate may
 * be replaced.
 */
export function createWorld(seed: number, options: WorldOptions = {}): (index: number) => SimulatedRequest {
  const {
    hardnessCorrelation: kept = 0,
    isDrifting = false,
    isUnequal = false,
    isDelayTelling = false,
  } = options;
  const { candidate = {}, subjects = 2000, weightBp = () => 3000 } = options;
  const rng = createRng(seed);
  const salt = `salt-${String(seed)}`;
  let hardness = 0;
  const micros = (): number => Math.round(200 * Math.exp(0.5 * normal(rng)));
  return (index) => {
    hardness = kept * hardness + Math.sqrt(1 - kept * kept) * normal(rng);
    const subject = Math.floor(subjects * (isUnequal ? rng.next() ** 4 : rng.next()));
    const name = `subject-${String(subject)}`;
    const drift = isDrifting ? 1.5 * Math.sin((2 * Math.PI * index) / 700 + seed) : 0;
    const ofSubject = isUnequal ? ((subject * 7919) % 17) / 8 - 1 : 0;
    const truth = -0.7 + drift + ofSubject + 1.2 * hardness;
    const bp = weightBp(index);
    const isCandidateArm = assignArm(salt, name, bp) === 'candidate';
    const rate = Math.min(1, logistic(truth) * (isCandidateArm ? (candidate.harm ?? 1) : 1));
    const label = rng.next() < rate ? 1 : 0;
    const equal = truth + ERROR_SD * normal(rng);
    const baseline = rng.next() < FAILURES ? null : logistic(truth + ERROR_SD * normal(rng));
    const ownScore = rng.next() < FAILURES ? null : logistic(equal);
    const score =
      candidate.score === undefined ? ownScore : candidate.score({ truth, equal, label, index, rng });
    const delaySteps = delayOf(label, isDelayTelling, rng);
    return {
      label,
      baseline,
      candidate: score,
      baselineMicros: micros(),
      candidateMicros: Math.round(micros() * (candidate.slowness ?? 1)),
      subject: name,
      isCandidateArm,
      share: bp / WHOLE_BP,
      delaySteps: isCandidateArm ? (candidate.delay?.(delaySteps) ?? delaySteps) : delaySteps,
    };
  };
}
