import type { Rng } from '../../shared/domain/rng.ts';

const COLOURS = 12;
const SUBJECTS = 2000;

/** How long after a prediction its label may be observed, ms of event time. */
export const JUDGED_WINDOW_MS = 1000;

/**
 * A policy that decides as quickly as honesty allows: margins of a twentieth, so that a few dozen examples are evidence, no
 * hold, and the old stable is let go at once.
 */
export const QUICK_POLICY = {
  stepsBp: [1000, 5000, 10_000],
  objectives: { loss: { promoteMarginNats: 0.05, rollbackMarginNats: 0.05 } },
  guards: { tailMarginRate: 0.05 },
  warmingExamplesMin: 100,
  shadowExamplesMin: 100,
  stepExamplesMin: 20,
  holdMinMs: 0,
  rollbackWindowMs: 0,
  monitorSilenceMaxMs: 60_000,
  leaseMs: 5000,
};

/** Settings of learners whose quality is known. */
export const LEARNERS = {
  sound: { alpha: 0.5 },
  /** Every example throws its parameters about. */
  wild: { alpha: 100 },
} as const;

/** Returns the spec of a model whose truth is known: colour and isNew decide, size does not. */
export function judgedSpec(name: string, rollout: object): object {
  return {
    name,
    features: [
      { name: 'colour', type: 'categorical' },
      { name: 'size', type: 'numeric' },
      { name: 'isNew', type: 'boolean' },
    ],
    learner: { tableBits: 10, beta: 1, l2: 0.1, ...LEARNERS.sound },
    label: { windowMs: JUDGED_WINDOW_MS },
    rollout,
  };
}

/** One request of a client and the truth about it. */
export interface JudgedExample {
  readonly subject: string;
  readonly features: { readonly colour: string; readonly size: number; readonly isNew: boolean };
  readonly label: 0 | 1;
}

const logitOf = (colour: number): number => ((colour % 3) - 1) * 0.9;

/** Returns what the colours of the judged model's world tell of the label, changed as a test wants it, logits by name. */
export function colourLogits(change: (logit: number) => number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Array.from({ length: COLOURS }, (_, colour) => [`c${String(colour)}`, change(logitOf(colour))]),
  );
}

/** Returns the next example of the judged model's world. */
export function drawExample(rng: Rng): JudgedExample {
  const colour = rng.int(COLOURS);
  const isNew = rng.next() < 0.3;
  // Nobody who knows the truth is ever much more wrong than one half is: the tail guard has nothing against him.
  const logit = logitOf(colour) + (isNew ? 0.2 : -0.1);
  return {
    subject: `subject-${String(rng.int(SUBJECTS))}`,
    features: { colour: `c${String(colour)}`, size: rng.int(100), isNew },
    label: rng.next() < 1 / (1 + Math.exp(-logit)) ? 1 : 0,
  };
}
