import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import { betterLogit, REGRESSIONS, worseLogit } from '../verdicts/candidates.ts';
import { SimulatedRollout } from '../verdicts/simulated-rollout.ts';
import { createWorld, logistic } from '../verdicts/synthetic-world.ts';
import type { Candidate } from '../verdicts/synthetic-world.ts';
import type { PowerRow } from './rule-rows.ts';

const LIMIT = 20_000;
const WARMING = 1000;
const TURN = 3000;

/** The default policy, which shares alpha among its streams and tries, with the guard of outcomes on. */
const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT_POLICY,
  guards: { ...DEFAULT_ROLLOUT_POLICY.guards, badOutcomeMarginRate: 0.1 },
};

function rollbackRow(name: string, candidate: Candidate): PowerRow {
  return {
    name: `${name}: rolled back, requests`,
    run: (seed) => {
      const weightBp = (): number => 1000;
      const world = createWorld(seed, { candidate, isDelayTelling: true, subjects: 100_000, weightBp });
      const rollout = new SimulatedRollout({ policy: POLICY });
      while (rollout.requests < LIMIT) {
        rollout.take(world(rollout.requests));
        if (rollout.verdict().value === 'rollback') return rollout.requests;
      }
      return Infinity;
    },
  };
}

/** A better candidate is promoted; counted are matured examples. */
const PROMOTED: PowerRow = {
  name: 'a better candidate: promoted, examples',
  run: (seed) => {
    const candidate: Candidate = { score: (seen) => logistic(betterLogit(seen)) };
    const world = createWorld(seed, { candidate, isDelayTelling: true, weightBp: () => 0 });
    const rollout = new SimulatedRollout({ policy: POLICY });
    while (rollout.requests < LIMIT) {
      rollout.take(world(rollout.requests));
      const { value } = rollout.verdict();
      if (value !== 'wait') return value === 'promote' ? rollout.evidence.examples : Infinity;
    }
    return Infinity;
  },
};

/** It learns from bad to good while it warms: promoted, not rolled back for what it was. */
const BAD_THEN_GOOD: PowerRow = {
  name: 'bad, then good, while warming: promoted, examples',
  run: (seed) => {
    const policy = { ...POLICY, warmingExamplesMin: WARMING };
    const candidate: Candidate = {
      score: (seen) => logistic(seen.index < WARMING ? worseLogit(seen) : betterLogit(seen)),
    };
    const world = createWorld(seed, { candidate, isDelayTelling: true, weightBp: () => 0 });
    const rollout = new SimulatedRollout({ policy, needsWarming: true });
    while (rollout.requests < LIMIT) {
      rollout.take(world(rollout.requests));
      const { value } = rollout.verdict();
      if (value !== 'wait') return value === 'promote' ? rollout.evidence.examples : Infinity;
    }
    return Infinity;
  },
};

/** It turns bad after it was promoted to a live step. */
const GOOD_THEN_BAD: PowerRow = {
  name: 'good, then bad, in a live step: rolled back, requests from the turn',
  run: (seed) => {
    const candidate: Candidate = {
      score: (seen) => logistic(seen.index < TURN ? betterLogit(seen) : worseLogit(seen)),
    };
    const world = createWorld(seed, { candidate, isDelayTelling: true, weightBp: () => 1000 });
    const rollout = new SimulatedRollout({ policy: POLICY });
    let isLive = false;
    while (rollout.requests < LIMIT) {
      rollout.take(world(rollout.requests));
      const { value } = rollout.verdict();
      if (value === 'promote' && !isLive) {
        isLive = true;
        rollout.moveTo('canary');
      }
      if (value === 'rollback') return isLive && rollout.requests > TURN ? rollout.requests - TURN : Infinity;
    }
    return Infinity;
  },
};

/** The whole policy as it is by default. */
export const POLICY_ROWS: readonly PowerRow[] = [
  ...Object.entries(REGRESSIONS).map(([name, candidate]) => rollbackRow(name, candidate)),
  PROMOTED,
  BAD_THEN_GOOD,
  GOOD_THEN_BAD,
];
