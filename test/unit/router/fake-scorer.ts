import { setImmediate as turn } from 'node:timers/promises';
import type { OpenScorer } from '../../../services/router/ports.ts';

/** Returns sigmoid(Σ weights[index] · value) over pairs `at … at + width - 1`. */
export function logistic(
  indices: Int32Array,
  values: Float32Array,
  weights: Float32Array,
  { at = 0, width = indices.length } = {},
): number {
  let logit = 0;
  for (let k = at; k < at + width; k++) logit += (weights[indices[k] ?? 0] ?? NaN) * (values[k] ?? NaN);
  return Math.fround(1 / (1 + Math.exp(-logit)));
}

/** A scorer over typed arrays, with what a test wants to know or to meddle with. */
export interface FakeScorers {
  readonly open: OpenScorer;
  /** Rows of every run, in order, golden ones included. */
  readonly runs: number[];
  /** How many scorers are open. */
  readonly openCount: () => number;
  /** Makes the runs from now on wait until `release`. */
  hold(): void;
  /** Makes the runs from now on wait of which it says so, until `release`. */
  holdOnly(isHeld: () => boolean): void;
  release(): void;
  /** Changes what the runs from now on answer; may throw. */
  meddle(change: ((scores: Float32Array) => Float32Array) | undefined): void;
  /** How long the runs from now on are said to take, ms. */
  take(durationMs: number): void;
}

/** Returns scorers that, as ONNX Runtime does, read weights and rows a turn after the call. A graph must have bytes. */
export function createFakeScorers(): FakeScorers {
  const runs: number[] = [];
  let openCount = 0;
  let gate: PromiseWithResolvers<void> | undefined;
  let isHeld = (): boolean => true;
  let durationMs = 0.25;
  let change: ((scores: Float32Array) => Float32Array) | undefined;
  return {
    runs,
    openCount: () => openCount,
    hold() {
      isHeld = () => true;
      gate = Promise.withResolvers();
    },
    holdOnly(next) {
      isHeld = next;
      gate = Promise.withResolvers();
    },
    release() {
      gate?.resolve();
      gate = undefined;
    },
    meddle(next) {
      change = next;
    },
    take(ms) {
      durationMs = ms;
    },
    async open(graph, width) {
      await turn();
      if (graph.length === 0) throw new RangeError('graph has no bytes');
      openCount += 1;
      return {
        async score({ indices, values, rows }, weights) {
          runs.push(rows);
          if (gate !== undefined && isHeld()) await gate.promise;
          await turn();
          const scores = Float32Array.from({ length: rows }, (_, row) =>
            logistic(indices, values, weights, { at: row * width, width }),
          );
          return { scores: change === undefined ? scores : change(scores), durationMs };
        },
        close() {
          openCount -= 1;
          return Promise.resolve();
        },
      };
    },
  };
}
