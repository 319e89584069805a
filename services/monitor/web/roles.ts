import type { ModelView } from '../domain/page/messages.ts';
import type { VersionState } from '../../../shared/domain/model-directory.ts';
import type { RolloutPhase } from '../../../shared/domain/rollout.ts';
import { basisPoints } from './format.ts';

/** Returns a phase in words. */
export function phaseWords(phase: RolloutPhase): string {
  return phase === 'rolledBack' ? 'rolled back' : phase;
}

/** What a version is to its model at the moment. */
export interface Role {
  readonly tone: 'good' | 'busy' | 'bad' | 'quiet';
  readonly words: string;
}

/** Whether a rollout is still under way. */
export function isOpen(phase: RolloutPhase | undefined): boolean {
  return phase === 'warming' || phase === 'shadow' || phase === 'canary';
}

/** Returns what a version is to its model. */
export function roleOf({ traffic, rollout }: ModelView, { version, life }: VersionState): Role {
  if (life === 'retired') return { tone: 'quiet', words: 'retired' };
  if (life === 'registered') return { tone: 'busy', words: 'waits for a learner' };
  if (version === traffic.stable) return { tone: 'good', words: 'stable' };
  if (version === traffic.candidate)
    return { tone: 'busy', words: `candidate, ${basisPoints(traffic.candidateWeightBp)}` };
  if (rollout?.candidate === version && rollout.phase === 'rolledBack')
    return { tone: 'bad', words: 'rolled back, learns on' };
  if (rollout?.candidate === version && isOpen(rollout.phase)) return { tone: 'busy', words: rollout.phase };
  if (traffic.shadows.includes(version)) return { tone: 'quiet', words: 'shadow' };
  return { tone: 'quiet', words: 'learns, answers nobody' };
}

/** Figures of one version in a report, as the page reads them. */
export interface VersionFigures {
  readonly version: number;
  readonly predictions: {
    readonly served: number;
    readonly scored: number;
    readonly failed: number;
    readonly scoringMicros: { readonly p99: number | null };
  };
  readonly learner: Quality;
  readonly router: Quality;
}

/** How good scores were. */
export interface Quality {
  readonly examples: number | null;
  readonly logLoss: number | null;
  readonly recentLogLoss: number | null;
  readonly baseRateLogLoss: number | null;
  readonly accuracyRate: number | null;
  readonly brier: number | null;
  readonly baseRate: number | null;
  readonly expectedCalibrationError: number | null;
  readonly calibration: readonly {
    readonly weight: number;
    readonly scoreSum: number;
    readonly labelSum: number;
  }[];
}

/** Figures of one arm in a report. */
export interface ArmFigures {
  readonly arm: 'stable' | 'candidate';
  readonly predictions: number;
  readonly latencyMicros: { readonly p50: number | null; readonly p99: number | null };
  readonly answered: Omit<Quality, 'calibration'>;
}

/** Returns the figures of every version that has any. */
export function figuresOf({ report }: ModelView): readonly VersionFigures[] {
  return (report?.versions ?? []) as readonly VersionFigures[];
}

/** Returns the figures of both arms. */
export function armsOf({ report }: ModelView): readonly ArmFigures[] {
  return (report?.arms ?? []) as readonly ArmFigures[];
}

/** Returns the quality to show of a version: as the learner measured it, of a published file as routers did. */
export function qualityOf({ learner, router }: VersionFigures): Quality {
  return (learner.examples ?? 0) > 0 ? learner : router;
}
