import { VersionLearner } from '../../../services/online-learner/domain/version-learner.ts';
import { createRng } from '../../../shared/domain/rng.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import { streamConfig, streamSpec, syntheticStream } from '../../unit/online-learner/synthetic-stream.ts';
import { SimulatedRollout, strictPolicy } from '../verdicts/simulated-rollout.ts';
import type { SimulatedRequest } from '../verdicts/simulated-rollout.ts';
import { createWorld } from '../verdicts/synthetic-world.ts';
import type { WorldOptions } from '../verdicts/synthetic-world.ts';

const REQUESTS = 2000;

/** What the whole policy said of one rollout. */
export interface PolicyOutcome {
  readonly isRolledBack: boolean;
  /** Whether every process that a promotion needs has crossed, at whatever times: a promotion needs at least this. */
  readonly mayPromote: boolean;
}

/** A condition for the whole policy. */
export interface PolicyCase {
  readonly condition: string;
  readonly run: (seed: number) => PolicyOutcome;
}

function outcomeOf(rollout: SimulatedRollout): PolicyOutcome {
  rollout.finish();
  const { value, evidence } = rollout.verdict();
  const { streams } = evidence({});
  const isRolledBack = value === 'rollback'; // maxima are latched, so this is "at any look"
  const mayPromote = streams.every(
    ({ promote }) => promote === null || promote.maxLogE >= promote.thresholdLogE,
  );
  return { isRolledBack, mayPromote };
}

function worldCase(condition: string, options: WorldOptions, isRestarted = false): PolicyCase {
  return {
    condition,
    run: (seed) => {
      const world = createWorld(seed, options);
      const rollout = new SimulatedRollout({ policy: strictPolicy() });
      for (let index = 0; index < REQUESTS; index += 1) {
        if (isRestarted && index % 637 === 500) rollout.restart();
        rollout.take(world(index));
      }
      return outcomeOf(rollout);
    },
  };
}

const ramp = (index: number): number => [0, 100, 1000, 5000][Math.floor((4 * index) / REQUESTS)] ?? 5000;

/** Two learners of one configuration on one stream, each of which misses its own fifth of the examples. */
const LEARNERS: PolicyCase = {
  condition: 'real learners that saw different examples',
  run: (seed) => {
    const rng = createRng(seed);
    const learners = [1, 2].map((version) => VersionLearner.cold(streamSpec, version, streamConfig, 0));
    const rollout = new SimulatedRollout({ policy: strictPolicy() });
    const world = createWorld(seed, { isDelayTelling: true });
    syntheticStream(1000 + REQUESTS, seed).forEach(({ row, label, weight }, index) => {
      const scores = learners.map((learner) => {
        const score = learner.predict(row);
        if (rng.next() < 0.8) learner.step(row, label, weight);
        return score;
      });
      if (index < 1000) return;
      const [baseline = null, candidate = null] = scores;
      rollout.take({ ...world(index), label: label === 1 ? 1 : 0, baseline, candidate });
    });
    return outcomeOf(rollout);
  },
};

/**
 * Where the logarithm of 4 q (1 − q) is −0.02: half the time q and half 1 − q costs 0.01 nats more than always one
 * half.
 */
const AT_MARGIN = 0.5 + 0.5 * Math.sqrt(1 - Math.exp(-0.02));

/** The mean difference of the loss is exactly the margin: both a roll back and a promotion are false. */
export const MARGIN_CASE: PolicyCase = {
  condition: 'loss exactly at its margin',
  run: (seed) => {
    const world = createWorld(seed, { isDelayTelling: true });
    const rng = createRng(seed + 0.5e9);
    const rollout = new SimulatedRollout({ policy: { ...DEFAULT_ROLLOUT_POLICY, triesMax: 1 } });
    for (let index = 0; index < REQUESTS; index += 1) {
      const candidate = rng.next() < 0.5 ? AT_MARGIN : 1 - AT_MARGIN;
      const label = rng.next() < 0.5 ? 1 : 0;
      const request: SimulatedRequest = { ...world(index), label, baseline: 0.5, candidate };
      rollout.take(request);
    }
    return outcomeOf(rollout);
  },
};

const RUN_ROWS = 16;

/** Requests are scored in runs of many rows, and a run that fails, of either version, fails for all its rows. */
const RUNS: PolicyCase = {
  condition: 'runs of many rows that fail together',
  run: (seed) => {
    const world = createWorld(seed, { isDelayTelling: true });
    const rollout = new SimulatedRollout({ policy: strictPolicy() });
    let first = world(0);
    for (let index = 0; index < REQUESTS; index += 1) {
      const own = world(index);
      if (index % RUN_ROWS === 0) first = own;
      const { baselineMicros, candidateMicros } = first;
      const baseline = first.baseline === null ? null : (own.baseline ?? 0.5);
      const candidate = first.candidate === null ? null : (own.candidate ?? 0.5);
      rollout.take({ ...own, baselineMicros, candidateMicros, baseline, candidate });
    }
    return outcomeOf(rollout);
  },
};

/**
 * The candidate is sure and right nine times in ten, the baseline always answers one half: whenever the candidate is
 * wrong its loss is beyond 1 nat, and it can never win by as much.
 */
export const SURE_CASE: PolicyCase = {
  condition: 'a sure candidate of an unsure baseline',
  run: (seed) => {
    const world = createWorld(seed, { isDelayTelling: true });
    const rng = createRng(seed + 0.25e9);
    const rollout = new SimulatedRollout({ policy: { ...DEFAULT_ROLLOUT_POLICY, triesMax: 1 } });
    for (let index = 0; index < REQUESTS; index += 1) {
      const label = rng.next() < 0.5 ? 1 : 0;
      const isRight = rng.next() < 0.9;
      rollout.take({
        ...world(index),
        label,
        baseline: 0.5,
        candidate: isRight === (label === 1) ? 0.9 : 0.1,
      });
    }
    return outcomeOf(rollout);
  },
};

/** Conditions under which candidate and baseline are equals. */
export const EQUAL_CASES: readonly PolicyCase[] = [
  worldCase('equals', {}),
  worldCase('late labels, delay depends on the label', { isDelayTelling: true }),
  worldCase('correlated losses', { hardnessCorrelation: 0.95, isDelayTelling: true }),
  worldCase('drifting base rate', { isDrifting: true, isDelayTelling: true }),
  worldCase('subjects of unequal activity', { isUnequal: true, subjects: 300, isDelayTelling: true }),
  worldCase('a ramp of the share', { isUnequal: true, subjects: 300, weightBp: ramp, isDelayTelling: true }),
  worldCase('restarts in the middle', { isDelayTelling: true, weightBp: ramp }, true),
  LEARNERS,
  RUNS,
];
