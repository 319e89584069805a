import { logistic, normal } from './synthetic-world.ts';
import type { Candidate, Seen } from './synthetic-world.ts';

const fromLogit = (logit: (seen: Seen) => number): Candidate => ({ score: (seen) => logistic(logit(seen)) });
const failing = (isFailing: (seen: Seen) => boolean): Candidate => ({
  score: (seen) => (isFailing(seen) ? null : logistic(seen.equal)),
});

/** What a candidate does once it is good: it errs half as much as the baseline. */
export const betterLogit = ({ truth, equal }: Seen): number => truth + 0.2 * (equal - truth);
/** What a candidate does while it is bad. */
export const worseLogit = ({ equal, rng }: Seen): number => equal + 0.8 * normal(rng);

/** Ways in which candidates are commonly worse, each as it is seen in shadow unless it needs traffic. */
export const REGRESSIONS: Readonly<Record<string, Candidate>> = {
  'noisy parameters': fromLogit(worseLogit),
  'bias of half a logit': fromLogit(({ equal }) => equal + 0.5),
  'bias of one logit': fromLogit(({ equal }) => equal - 1),
  'twice too sure': fromLogit(({ equal }) => 2 * equal),
  'three times too sure': fromLogit(({ equal }) => 3 * equal),
  'half as sure': fromLogit(({ equal }) => 0.5 * equal),
  'answers the base rate': fromLogit(() => -0.5),
  'answers one half': { score: () => 0.5 },
  inverted: fromLogit(({ equal }) => -equal),
  'inverted for a tenth': fromLogit(({ equal, rng }) => (rng.next() < 0.1 ? -equal : equal)),
  'answers the label of another': fromLogit(({ rng }) => -0.7 + 1.2 * normal(rng)),
  'fails on every request': failing(() => true),
  'fails on one in ten': failing(({ rng }) => rng.next() < 0.1),
  'fails on one in thirty': failing(({ rng }) => rng.next() < 1 / 30),
  'fails on hard inputs': failing(({ truth }) => Math.abs(truth) < 0.2),
  'gives no number on extreme inputs': {
    score: ({ truth, equal }) => (truth > 1 ? Number.NaN : logistic(equal)),
  },
  'disasters on one in thirty': fromLogit(({ equal, label, rng }) =>
    rng.next() < 1 / 30 ? (label === 1 ? -6 : 6) : equal,
  ),
  'three times slower': { slowness: 3 },
  'ten times slower': { slowness: 10 },
  'twice the bad outcomes': { harm: 2 },
};
