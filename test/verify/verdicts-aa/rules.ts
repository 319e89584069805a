import { BettingProcess } from '../../../services/monitor/domain/betting-process.ts';
import { OutcomeGuard } from '../../../services/monitor/domain/outcome-guard.ts';
import { RunningInterval } from '../../../services/monitor/domain/running-interval.ts';
import { assignArm, WHOLE_BP } from '../../../shared/domain/assignment.ts';
import { murmur3 } from '../../../shared/domain/murmur3.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import type { Rng } from '../../../shared/domain/rng.ts';
import { normal } from '../verdicts/synthetic-world.ts';

const ALPHA = 0.05;
const LOOKS = 4000;
const MARGIN = 0.01;

/** A rule under a condition in which it must not alarm. */
export interface Rule {
  readonly name: string;
  readonly condition: string;
  readonly alpha: number;
  /** Returns whether the rule alarmed in one rollout, looked at after every event. */
  readonly alarms: (seed: number) => boolean;
}

/** Returns a difference around a mean that is known beforehand. */
type Noise = (mean: number, index: number, rng: Rng) => number;

const independent: Noise = (mean, _index, rng) => mean + (rng.next() < 0.5 ? 0.2 : -0.2);

/** Differences whose size follows that of the one before: hard examples come together. */
function correlated(): Noise {
  let hardness = 0;
  return (mean, _index, rng) => {
    hardness = 0.95 * hardness + 0.3 * normal(rng);
    const size = Math.min(0.9, 0.15 * Math.exp(0.5 * hardness));
    return mean + (rng.next() < 0.5 ? size : -size);
  };
}

/** A rare failure of the candidate, or of the baseline: the mean is that of the margin, most differences are 0. */
const rare: Noise = (mean, _index, rng) => {
  const draw = rng.next();
  return draw < 0.002 + mean ? 1 : draw > 0.998 ? -1 : 0;
};

const atMargin = (): number => MARGIN;
/** Never above the margin, and there now and then. */
const upToMargin = (index: number): number => MARGIN - 0.02 * (1 - Math.cos(index / 200));

/** @param direction 1 tests rolling back at means of at most the margin, -1 promotion at means of at least it */
function pairedRule(
  name: string,
  condition: string,
  direction: 1 | -1,
  noise: () => Noise,
  mean: (index: number) => number,
): Rule {
  return {
    name,
    condition,
    alpha: ALPHA,
    alarms: (seed) => {
      const rng = createRng(seed);
      const of = noise();
      const process = new BettingProcess({ bound: 1, margin: direction * MARGIN });
      for (let index = 0; index < LOOKS; index += 1) {
        const shifted = MARGIN + direction * (mean(index) - MARGIN);
        process.take(direction * of(shifted, index, rng));
      }
      return process.maxLogE >= -Math.log(ALPHA);
    },
  };
}

function coverageRule(condition: string, noise: () => Noise, mean: (index: number) => number): Rule {
  return {
    name: 'confidence sequence',
    condition,
    alpha: ALPHA,
    alarms: (seed) => {
      const rng = createRng(seed);
      const of = noise();
      const interval = new RunningInterval(1);
      let sum = 0;
      for (let index = 0; index < LOOKS; index += 1) {
        sum += mean(index);
        interval.take(of(mean(index), index, rng));
        const [low, high] = interval.interval(ALPHA) ?? [-1, 1];
        if (sum / (index + 1) < low || sum / (index + 1) > high) return true;
      }
      return false;
    },
  };
}

interface OutcomeCase {
  readonly subjects: number;
  /** How unequal the activity of subjects is: 1 for equal. */
  readonly activityPower: number;
  readonly rate: number;
  /** True rate ratio, at most the margin's. */
  readonly ratio: number;
  readonly weightBp: (index: number) => number;
}

const hash = (subject: string): number => murmur3(subject, 1) >>> 0;

function outcomeRule(
  condition: string,
  { subjects, activityPower, rate, ratio, weightBp }: OutcomeCase,
): Rule {
  return {
    name: 'outcomes',
    condition,
    alpha: ALPHA,
    alarms: (seed) => {
      const rng = createRng(seed);
      const guard = new OutcomeGuard(0.1);
      const salt = String(seed);
      for (let index = 0; index < LOOKS; index += 1) {
        const place = Math.floor(subjects * rng.next() ** activityPower);
        const subject = `s${String(place)}`;
        const bp = weightBp(index);
        const arm = assignArm(salt, subject, bp);
        const own = activityPower === 1 ? 1 : 0.25 + ((place * 7919) % 13) / 8;
        if (rng.next() >= rate * own * (arm === 'candidate' ? ratio : 1)) continue;
        guard.take({ arm, candidateProbability: bp / WHOLE_BP, subjectHash: hash(subject) });
      }
      return (guard.evidence(0, ALPHA).rollback?.maxLogE ?? 0) >= -Math.log(ALPHA);
    },
  };
}

const third = (): number => 3000;
const ramp = (index: number): number => [0, 100, 1000, 5000][Math.floor((4 * index) / LOOKS)] ?? 5000;
const few = { subjects: 200, activityPower: 4 };
const many = { subjects: 2000, activityPower: 1 };

/** Every rule by itself, at the edge of what it must not alarm at. */
export const RULES: readonly Rule[] = [
  pairedRule('paired, roll back', 'at the margin', 1, () => independent, atMargin),
  pairedRule('paired, roll back', 'at the margin, correlated losses', 1, correlated, atMargin),
  pairedRule('paired, roll back', 'at the margin, rare failures', 1, () => rare, atMargin),
  pairedRule('paired, roll back', 'drifting up to the margin', 1, () => independent, upToMargin),
  pairedRule('paired, promote', 'at the margin', -1, () => independent, atMargin),
  pairedRule('paired, promote', 'at the margin, correlated losses', -1, correlated, atMargin),
  pairedRule('paired, promote', 'drifting down to the margin', -1, () => independent, upToMargin),
  outcomeRule('equal rates', { ...many, rate: 0.1, ratio: 1, weightBp: third }),
  outcomeRule('rates at the margin', { ...many, rate: 0.05, ratio: 1.1, weightBp: third }),
  outcomeRule('subjects of unequal activity', { ...few, rate: 0.2, ratio: 1, weightBp: third }),
  outcomeRule('unequal subjects on a ramp', { ...few, rate: 0.2, ratio: 1, weightBp: ramp }),
  outcomeRule('a better candidate, active subjects', { ...few, rate: 0.2, ratio: 0.3, weightBp: third }),
  coverageRule('fixed mean', () => independent, atMargin),
  coverageRule('drifting mean, correlated losses', correlated, upToMargin),
];
