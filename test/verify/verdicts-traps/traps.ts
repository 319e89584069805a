import { createRng } from '../../../shared/domain/rng.ts';
import { DEFAULT_ROLLOUT_POLICY } from '../../../shared/domain/rollout-policy.ts';
import type { RolloutPolicy } from '../../../shared/domain/rollout-policy.ts';
import { betterLogit } from '../verdicts/candidates.ts';
import { SimulatedRollout, WINDOW_STEPS } from '../verdicts/simulated-rollout.ts';
import type { SimulatedRequest } from '../verdicts/simulated-rollout.ts';
import { createWorld, logistic } from '../verdicts/synthetic-world.ts';
import type { Candidate, WorldOptions } from '../verdicts/synthetic-world.ts';

const POLICY: RolloutPolicy = {
  ...DEFAULT_ROLLOUT_POLICY,
  guards: { ...DEFAULT_ROLLOUT_POLICY.guards, badOutcomeMarginRate: 0.1 },
};
/** Requests of one attempt at a trap. */
const REQUESTS = 4000;
/** Requests of the good time before a candidate turns: a week at one in ten minutes. */
const GOOD = 6000;

/** What became of one attempt. */
export interface TrapOutcome {
  readonly isPromoted: boolean;
  readonly isRolledBack: boolean;
  /** Requests to the roll back, from the turn where there is one; null without. */
  readonly requestsToRollback: number | null;
}

/** A candidate that looks good to those who count wrongly. */
export interface Trap {
  readonly name: string;
  /** Why it looks good. */
  readonly lure: string;
  readonly run: (seed: number) => TrapOutcome;
  /** The most requests that a roll back may take; null where not being promoted is all. */
  readonly rollbackWithin: number | null;
}

function attempt(rollout: SimulatedRollout, world: (index: number) => SimulatedRequest): TrapOutcome {
  while (rollout.requests < REQUESTS) {
    rollout.take(world(rollout.requests));
    const { value } = rollout.verdict();
    if (value === 'promote') return { isPromoted: true, isRolledBack: false, requestsToRollback: null };
    if (value === 'rollback')
      return { isPromoted: false, isRolledBack: true, requestsToRollback: rollout.requests };
  }
  return { isPromoted: false, isRolledBack: false, requestsToRollback: null };
}

function trap(name: string, lure: string, candidate: Candidate, more: WorldOptions = {}): Trap {
  return {
    name,
    lure,
    rollbackWithin: null,
    run: (seed) => {
      const world = createWorld(seed, { isDelayTelling: true, candidate, weightBp: () => 1000, ...more });
      return attempt(new SimulatedRollout({ policy: POLICY }), world);
    },
  };
}

/** Labels 1 come at once, 0 at the end of the window: among the early ones, an inflated candidate is right. */
const INFLATED = trap('inflates odds', 'labels 1 come first, so that early pairs agree with it', {
  score: ({ equal }) => logistic(equal + 0.8),
});

const EARLY_FEEDBACK = trap(
  'shifts feedback earlier',
  'the labels of its subjects come at once; it is worse by more than the margin',
  { score: ({ equal, rng }) => logistic(equal + (rng.next() < 0.5 ? 0.8 : -0.8)), delay: () => 0 },
);

const SLOW_HARM = trap('delays complaints', 'bad outcomes of its subjects come late, and are twice as many', {
  harm: 2,
  delay: () => WINDOW_STEPS,
  score: ({ equal, rng }) => logistic(equal + (rng.next() < 0.5 ? 0.8 : -0.8)),
});

const DROPS_HARD = trap('drops hard inputs', 'it fails where it would be wrong and is better elsewhere', {
  score: (seen) => (Math.abs(seen.truth) < 0.3 ? null : logistic(betterLogit(seen))),
});

const ABSENT_HARD = trap('is absent on hard inputs', 'nobody has asked it where it would be wrong', {
  score: (seen) => (Math.abs(seen.truth) < 0.3 ? undefined : logistic(betterLogit(seen))),
});

/** 2 % of events at +5.5 nats, the rest at −0.06: the true mean is +0.05, that of the clipped differences −0.04. */
const TAIL: Trap = {
  name: 'fails in the tail',
  lure: 'clipped losses do not show how bad its disasters are',
  rollbackWithin: null,
  run: (seed) => {
    const rng = createRng(seed + 0.5e9);
    const world = createWorld(seed, { isDelayTelling: true, weightBp: () => 0 });
    return attempt(new SimulatedRollout({ policy: POLICY }), (index) => {
      const request = world(index);
      const label = rng.next() < 0.5 ? 1 : 0;
      const ofLabel = 0.5 * (rng.next() < 0.02 ? Math.exp(-5.5) : Math.exp(0.06));
      return { ...request, label, baseline: 0.5, candidate: label === 1 ? ofLabel : 1 - ofLabel };
    });
  },
};

const TURNS: Trap = {
  name: 'good for a week, then turns',
  lure: 'what it was outweighs what it is',
  rollbackWithin: 1500,
  run: (seed) => {
    const candidate: Candidate = {
      score: (seen) => logistic(seen.index < GOOD ? betterLogit(seen) : 2 * seen.equal),
    };
    const world = createWorld(seed, { candidate, isDelayTelling: true, weightBp: () => 1000 });
    const rollout = new SimulatedRollout({ policy: POLICY });
    let isLive = false;
    while (rollout.requests < GOOD + REQUESTS) {
      rollout.take(world(rollout.requests));
      const { value } = rollout.verdict();
      if (value === 'promote' && !isLive) {
        isLive = true;
        rollout.moveTo('canary');
      }
      if (value !== 'rollback') continue;
      const requestsToRollback = Math.max(0, rollout.requests - GOOD);
      return { isPromoted: false, isRolledBack: true, requestsToRollback };
    }
    return { isPromoted: isLive, isRolledBack: false, requestsToRollback: null };
  },
};

/** All traps. */
export const TRAPS: readonly Trap[] = [
  EARLY_FEEDBACK,
  SLOW_HARM,
  DROPS_HARD,
  ABSENT_HARD,
  TAIL,
  INFLATED,
  TURNS,
];
